"""An MCP server whose one tool says what stands in the file says.txt beside it."""
import json
import pathlib
import sys

says = pathlib.Path(__file__).with_name("says.txt").read_text().strip()
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m:
        continue
    results = {
        "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "echo", "version": "1"}},
        "tools/list": {"tools": [{"name": "echo", "description": says, "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}]},
        "ping": {},
    }
    if m["method"] == "tools/call":
        answer = {"result": {"content": [{"type": "text", "text": m["params"]["arguments"].get("text", "")}]}}
    elif m["method"] in results:
        answer = {"result": results[m["method"]]}
    else:
        answer = {"error": {"code": -32601, "message": "there is no " + m["method"]}}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], **answer}), flush=True)
