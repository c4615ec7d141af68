"""Does to a table of a catalog what its maintenance does: NAMESPACE.TABLE PROPERTIES.

All rows are written into new files, and all snapshots but the last are forgotten.
"""

import json
import sys

from pyiceberg.catalog import load_catalog

where, properties = sys.argv[1:]
table = load_catalog("test", type="rest", **json.loads(properties)).load_table(where)
table.overwrite(table.scan().to_arrow())
last = table.current_snapshot().snapshot_id
table.maintenance.expire_snapshots().by_ids([one.snapshot_id for one in table.snapshots() if one.snapshot_id != last]).commit()
print(json.dumps({"snapshot": str(last), "snapshots": len(table.refresh().snapshots())}))
