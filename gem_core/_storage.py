"""Paths that name a disk of this machine or a store (s3://, gs://, hf://, https://): one function decides which.

A path in a store is an object of universal_pathlib with the methods of `pathlib.Path` that reading and writing need, so
that it travels through the same code as a local path; only what a store does otherwise has a function in this module.
"""

import logging
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

from gem_core.errors import GemError, InputError

#: Schemes that a path may have. Web servers are read only.
SCHEMES = ("s3", "gs", "hf", "http", "https")
READ_ONLY = ("http", "https")
BLOCK_SIZE = 4 << 20  # bytes that are read ahead from a store
HUB_PARTS = 4  # of a path on the Hugging Face Hub: datasets, owner, name, and what lies in it
CONNECT_SECONDS = 5.0  # for a server to accept a connection
# `pathlib` turns two slashes into one, so a path that went through it has lost one of them.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)
INSTALL = 'Install what reads stores: pip install "gem-explorer[remote]"'


def scheme_of(path: Path | str) -> str:
    """Return the scheme of a path in a store in lower case, "" for a path of this machine.

    Examples
    --------
    >>> scheme_of("s3://pool/shards"), scheme_of("C:/data"), scheme_of("data/pool")
    ('s3', '', '')
    """
    match = _URL.fullmatch(str(path))
    return match.group(1).lower() if match else ""


def is_remote(path: Path | str) -> bool:
    """Whether a path names a store, not a disk of this machine."""
    return scheme_of(path) != ""


def storage_path(path: Path | str) -> Path:
    """Return a local path with its `~` expanded, or the path in a store that an address names.

    Raises
    ------
    InputError
        If the scheme is none of `SCHEMES`, the bucket is missing, or the packages that read stores are not installed.
    """
    match = _URL.fullmatch(str(path))
    if match is None:
        return Path(path).expanduser()
    scheme, below = match.group(1).lower(), match.group(2)
    if scheme not in SCHEMES:
        raise InputError(
            "A path must lie on this machine or begin with s3://, gs://, hf://datasets/ or https://",
            f"{path}",
            "Copy the data to one of them",
        )
    if not below.strip("/"):
        raise InputError("An address must name a bucket or a server", f"{path}", "Write it as in s3://bucket/folder")
    try:
        from upath import UPath

        options = _google_options() if scheme == "gs" else {}
        # Other processes write while this one reads, so that a listing must never come from a cache.
        return cast(Path, UPath(f"{scheme}://{below}", use_listings_cache=False, **options))
    except ImportError as error:
        raise InputError(f"{scheme}:// needs packages that are not installed", f"{path}", INSTALL) from error


@lru_cache(maxsize=1)
def _google_options() -> dict[str, Any]:
    """Return how Google's store is asked: with the credentials of this account, or without where it has none.

    Its client looks for credentials in several ways in turn, the last of which waits 15 seconds for a server that only
    Google's own machines have; `google.auth.default` asks that server too, and briefly.
    """
    os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")
    # Without its experimental part the client speaks JSON over HTTP alone, which every server of this kind understands.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # Its log of retries repeats what the error says at the end.
    logging.getLogger("google.auth").setLevel(logging.ERROR)
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    try:
        google.auth.default()
    except DefaultCredentialsError:
        return {"token": "anon"}
    return {"token": "google_default"}


@lru_cache(maxsize=8)
def _check_connection(address: str) -> None:
    """Fail at once where no server accepts a connection: the client of Google's store tries for half a minute.

    Raises
    ------
    OSError
    """
    url = urlsplit(address)
    if url.hostname and not getproxies():
        port = url.port or (80 if url.scheme == "http" else 443)
        try:
            socket.create_connection((url.hostname, port), timeout=CONNECT_SECONDS).close()
        except OSError as error:
            raise ConnectionError(f"no connection to {url.hostname}: {error.strerror or error}") from error


def output_path(path: Path | str) -> Path:
    """Return `storage_path` of a file or folder that is written.

    Raises
    ------
    InputError
        Also if it lies on a web server, which is read only.
    """
    if scheme_of(path) in READ_ONLY:
        raise InputError(
            "An output must lie on this machine or in a store that can be written (s3://, gs://, hf://)",
            f"{path}",
            "Write it to one of them",
        )
    output = storage_path(path)
    if scheme_of(path) == "hf" and len(output.path.strip("/").split("/")) < HUB_PARTS:  # type: ignore[attr-defined]
        raise InputError(
            "An output on the Hugging Face Hub must lie in a data set",
            f"{path}",
            "Write it as in hf://datasets/OWNER/NAME/FOLDER",
        )
    return output


def local_path(path: Path | str, noun: str = "A workspace") -> Path:
    """Return a path of this machine with its `~` expanded.

    Raises
    ------
    InputError
        If it names a store.
    """
    if is_remote(path):
        raise InputError(
            f"{noun} must lie on a disk of this machine",
            f"{path}, in a store",
            "Choose a local folder; corpora, shards and outputs may lie in a store",
        )
    return Path(path).expanduser()


@contextmanager
def store_errors(path: Path | str, error_type: type[InputError] = InputError) -> Iterator[None]:
    """Turn whatever the client of a store raises (no bucket, no right, no connection) into one refusal.

    Nothing changes for local paths, whose callers word the errors of the disk.
    """
    if not is_remote(path):
        yield
        return
    try:
        if scheme_of(path) == "gs":
            _check_connection(storage_path(path).fs.base)  # type: ignore[attr-defined]  # A path in a store has it.
        yield
    except GemError:
        raise
    except FileNotFoundError as error:
        raise error_type(f"{path} must exist", f"{_first_line(error)}", "Check the address") from error
    except ImportError as error:
        raise error_type(f"{path} needs packages that are not installed", _first_line(error), INSTALL) from error
    except Exception as error:  # The clients of the stores share no base class of errors.
        raise error_type(
            f"{path} must be reachable with the rights of this account",
            f"{type(error).__name__}: {_first_line(error)}",
            "Check the address, the network and the credentials (AWS_..., GOOGLE_APPLICATION_CREDENTIALS, HF_TOKEN)",
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")


def open_input(path: Path) -> BinaryIO:
    """Open a file to be read as bytes; of a store, a few megabytes are read ahead."""
    if not is_remote(path):
        return path.open("rb")
    with store_errors(path):
        return path.open("rb", BLOCK_SIZE)


def path_exists(path: Path) -> bool:
    """Whether there is a file or folder; a web server that cannot be reached is an error, not an answer."""
    if scheme_of(path) not in READ_ONLY:
        return path.exists()
    try:
        path.stat()
    except FileNotFoundError as error:  # The client says so of a server that does not answer, too.
        if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError):
            raise error.__cause__ from None
        return False
    return True


def file_size(path: Path) -> int:
    """Return the bytes of a file; 1 where a server does not say."""
    size = path.stat().st_size
    return 1 if size is None else int(size)


def file_name(path: Path) -> str:
    """Return the last part of a path without the query of a web address."""
    return path.name.split("?")[0] if scheme_of(path) in READ_ONLY else path.name


def store_files(folder: Path) -> dict[str, int]:
    """Return the files below a folder of a store, by their name below it, with their bytes; one listing gives all."""
    fs, root = folder.fs, folder.path.rstrip("/")  # type: ignore[attr-defined]  # A path in a store has both.
    entries = fs.find(root, detail=True)
    return {
        name.removeprefix(root).lstrip("/"): int(entry["size"] or 0)
        for name, entry in sorted(entries.items())
        if not name.endswith("/")
    }


def upload(local: Path, path: Path) -> None:
    """Put a local file into a store; it appears there whole, or not at all."""
    path.fs.put_file(str(local), path.path)  # type: ignore[attr-defined]


def writes_are_commits(path: Path) -> bool:
    """Whether each write is a commit of a history, as on the Hugging Face Hub, which allows few of them in an hour."""
    return scheme_of(path) == "hf"


def upload_together(local: Path, root: Path, names: Sequence[str]) -> None:
    """Put files below a local folder under the same names below a folder of a store, in their order.

    On the Hugging Face Hub they are one commit: all of them appear, or none.
    """
    with store_errors(root):
        if not writes_are_commits(root):
            for name in names:
                upload(local / name, root / name)
            return
        from huggingface_hub import CommitOperationAdd

        fs, addresses = root.fs, [root / name for name in names]  # type: ignore[attr-defined]
        targets = [fs.resolve_path(address.path) for address in addresses]  # type: ignore[attr-defined]
        fs._api.create_commit(
            repo_id=targets[0].repo_id,
            repo_type=targets[0].repo_type,
            revision=targets[0].revision,
            operations=[
                CommitOperationAdd(target.path_in_repo, str(local / name))
                for target, name in zip(targets, names, strict=True)
            ],
            commit_message=f"Upload {names[0]}",
        )
        for address in addresses:
            fs.invalidate_cache(address.path)  # type: ignore[attr-defined]


@contextmanager
def local_copy(path: Path) -> Iterator[Path]:
    """Yield a file or folder of a store as a copy on this machine that ends with the block; a local path as it is."""
    if not is_remote(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="gem-explorer-") as folder:
        copy = Path(folder) / file_name(path)
        with store_errors(path):
            if path.is_dir():
                for name in store_files(path):
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    _download(path / name, copy / name)
            else:
                _download(path, copy)
        yield copy


def _download(path: Path, copy: Path) -> None:
    with open_input(path) as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, BLOCK_SIZE)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; one that is not there is no error."""
    if is_remote(folder):
        with suppress(FileNotFoundError):
            folder.fs.rm(folder.path, recursive=True)  # type: ignore[attr-defined]
    else:
        shutil.rmtree(folder, ignore_errors=True)


def remove_file(path: Path) -> None:
    """Remove a file; one that is not there is no error, and no commit."""
    if writes_are_commits(path):
        path.fs.invalidate_cache()  # type: ignore[attr-defined]  # Another process may have written it.
        if not path.exists():
            return
    if is_remote(path):
        with suppress(FileNotFoundError):
            path.fs.rm_file(path.path)  # type: ignore[attr-defined]
    else:
        path.unlink(missing_ok=True)


def check_rights(path: Path) -> None:
    """Refuse a path in a store that this account cannot write, before the work whose result goes there.

    An empty file is written and removed. On the Hugging Face Hub either would be a commit, so there the data set and a
    token must be there.

    Raises
    ------
    InputError
    """
    with store_errors(path):
        if scheme_of(path) == "hf":
            from huggingface_hub import get_token

            repository = path.fs.resolve_path(path.path)  # type: ignore[attr-defined]
            path.fs.info(repository.unresolve().removesuffix(repository.path_in_repo).rstrip("/"))  # type: ignore[attr-defined]
            if get_token() is None:
                raise PermissionError("no token to write with: set HF_TOKEN")
            return
        probe = path.with_name(f".{path.name}.probe")
        probe.fs.pipe_file(probe.path, b"")  # type: ignore[attr-defined]
        remove_file(probe)


def replace_text(path: Path, text: str) -> None:
    """Write text that others read meanwhile: they see the old text or the new. Nothing is flushed to disk.

    Raises
    ------
    OSError, InputError
        If it cannot be written.
    """
    if is_remote(path):
        with store_errors(path):
            path.fs.pipe_file(path.path, text.encode())  # type: ignore[attr-defined]
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies in it, on this machine or in one store."""
    return f"{path}/".startswith(f"{str(folder).rstrip('/')}/")


def upload_folder(local: Path, folder: Path) -> None:
    """Put the files of a local folder into a store in the order in which they were written."""
    files = [file for file in local.rglob("*") if file.is_file()]
    in_order = sorted(files, key=lambda file: file.stat().st_mtime_ns)
    upload_together(local, folder, [file.relative_to(local).as_posix() for file in in_order])


def write_to_store(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary file of this machine and put the result into a store."""
    with tempfile.TemporaryDirectory(prefix="gem-explorer-") as folder:
        temporary = Path(folder) / path.name
        write(temporary)
        with store_errors(path):
            upload(temporary, path)
