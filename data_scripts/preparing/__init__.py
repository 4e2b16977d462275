"""What the scripts share: the command line, fetching, unpacking, reading DICOM, writing a prepared set."""

import sys
from pathlib import Path

from lookinside.extras import need

a_script_starts = Path(sys.argv[0]).resolve().parent == Path(__file__).resolve().parents[1]
need("pooch", "pydicom", "requests", program=a_script_starts)
