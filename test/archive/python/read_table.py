"""Prints the rows of an Iceberg table as JSON lines, as pyiceberg reads it: METADATA-OR-FOLDER PROPERTIES FILTER.

With a catalog's `uri` in the properties: NAMESPACE.TABLE PROPERTIES FILTER.
"""

import base64
import datetime
import json
import sys

from pyiceberg.catalog import load_catalog
from pyiceberg.table import StaticTable


def plain(value):
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1_000_000)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return value


where, properties, row_filter = sys.argv[1:]
properties = json.loads(properties)
if "uri" in properties:
    table = load_catalog("test", type="rest", **properties).load_table(where)
else:
    table = StaticTable.from_metadata(where, properties)
scan = table.scan(row_filter=row_filter) if row_filter else table.scan()
files = len(list(scan.plan_files()))
print(json.dumps({"files": files, "spec": str(table.spec()), "snapshots": len(table.history())}))
for row in scan.to_arrow().to_pylist():
    print(json.dumps({name: plain(value) for name, value in row.items()}))
