"""torch is loaded with hwlib.mlp, not before, and missed by name."""

from __future__ import annotations

import subprocess
import sys


class TestImport:
    def test_hwlib_alone_loads_no_torch(self) -> None:
        code = (
            "import sys, hwlib; assert 'torch' not in sys.modules; hwlib.mlp; sys.modules['torch']"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_a_missing_torch_names_the_cure(self) -> None:
        code = "import sys; sys.meta_path.insert(0, type('No', (), {'find_spec': staticmethod("
        code += "lambda n, *_: exec('raise ModuleNotFoundError(name=n)') if n == 'torch' else None"
        code += ")})); import hwlib.mlp"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 1
        assert 'pip install "hwlib[torch]"' in done.stderr.splitlines()[-1]
