# The app on port 8501. Workspaces are in the volume /data; GEM_EXPLORER_TOKEN is the token of the address.
FROM python:3.11-slim

# lightgbm needs the library of OpenMP.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*

# The CPU build of torch is a third of the size of the default build.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch

WORKDIR /opt/gem-explorer
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY gem_core gem_core
COPY app app
COPY sample_data sample_data
COPY .streamlit .streamlit
# Pins of torch name the default build.
RUN grep -v '^torch==' constraints.txt > pins.txt \
    && pip install --no-cache-dir -c pins.txt ".[remote]" \
    && useradd --create-home --uid 1000 gem \
    && mkdir /data && chown gem /data

USER gem
ENV GEM_EXPLORER_HOME=/data
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["gem-explorer", "app", "--headless", "--host", "0.0.0.0", "--port", "8501"]
