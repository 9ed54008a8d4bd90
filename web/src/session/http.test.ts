import { expect, test } from "vitest";
import { address } from "./http.ts";

test.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
  ["/api/apps", {}, {}, "/api/apps"],
  ["/api/conversations/{id}", { id: "a/b ?" }, {}, "/api/conversations/a%2Fb%20%3F"],
  ["/api/landings/{id}/undo", { id: 12 }, {}, "/api/landings/12/undo"],
  ["/api/landings", {}, { limit: 60, before: undefined, text: "", by: "agent" }, "/api/landings?limit=60&by=agent"],
  ["/api/file", {}, { path: "a b/ü&c", stat: false }, "/api/file?path=a+b%2F%C3%BC%26c&stat=false"],
])("%s with %o and %o is %s", (path, names, query, want) => expect(address(path, names, query)).toBe(want));
