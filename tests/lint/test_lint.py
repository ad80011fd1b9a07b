"""tests/lint/run as a test: format, clang-tidy, cppcheck. Skipped where the tools are not."""
import os
import subprocess
import sys
from pathlib import Path


def main():
    top = Path(os.environ.get("WEIR_SOURCE") or Path(__file__).resolve().parents[2])
    build = os.environ.get("WEIR_BUILD") or str(top / "build/asan")
    return subprocess.run([str(top / "tests/lint/run"), build], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
