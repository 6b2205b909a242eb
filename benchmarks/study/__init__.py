"""Study: tables on what GEM's clusters are good for, with seeds, intervals, machine and cost.

    python -m benchmarks.study [TABLE] [--small] --data FOLDER

TABLE is clusterings, mixing, influence, contamination, cost or peers; all of them when it is left out.
"""
