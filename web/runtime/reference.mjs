// Writes doc/sdk.md, the reference of @matrixos/sdk and @matrixos/ui, from their types
// and comments; `node reference.mjs --check` fails if it is not current.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = dirname(fileURLToPath(import.meta.url));
const page = join(here, "../../doc/sdk.md");
const packages = [
  ["@matrixos/sdk", "sdk/index.ts", "The system as an app uses it: data, dates, words, figures. `window.MatrixOS` is `os`."],
  ["@matrixos/ui", "ui/index.ts", "Components that follow the owner's theme and make an app short."],
];

const config = ts.parseJsonConfigFileContent(ts.readConfigFile(join(here, "tsconfig.json"), ts.sys.readFile).config, ts.sys, here);
const program = ts.createProgram(packages.map(([, file]) => join(here, file)), config.options);
const checker = program.getTypeChecker();
const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope | ts.TypeFormatFlags.OmitParameterModifiers;

const printer = ts.createPrinter({ removeComments: false });

const isShape = (d) => ts.isInterfaceDeclaration(d) || ts.isTypeAliasDeclaration(d);
const text = (d) => printer.printNode(ts.EmitHint.Unspecified, d, d.getSourceFile()).replace(/^\/\*\*[\s\S]*?\*\/\s*/, "").replace(/^export /, "");

// What only the parameters of a component speak of is shown with it.
function inner(declaration, exported) {
  const out = [];
  for (const p of declaration.parameters ?? []) {
    if (!p.type || !ts.isTypeReferenceNode(p.type)) continue;
    const [d] = checker.getSymbolAtLocation(p.type.typeName)?.declarations ?? [];
    if (d && isShape(d) && d.getSourceFile().fileName.startsWith(here) && !d.getSourceFile().fileName.includes("node_modules") && !exported.has(d.name.text)) out.push(`\n${text(d)}`);
  }
  return out;
}

function shape(symbol, exported) {
  const [declaration] = symbol.declarations;
  if (isShape(declaration)) return text(declaration);
  const type = checker.getTypeOfSymbolAtLocation(symbol, declaration);
  const calls = type.getCallSignatures();
  if (calls.length > 0 && (ts.isFunctionDeclaration(declaration) || ts.isVariableDeclaration(declaration))) {
    return [...calls.map((s) => `function ${symbol.name}${signature(s)}`), ...inner(declaration, exported)].join("\n");
  }
  return `const ${symbol.name}: ${checker.typeToString(type, declaration, flags)}`;
}

function signature(s) {
  return checker.signatureToString(s, s.declaration, flags).replaceAll("React.JSX.Element", "JSX.Element").replaceAll("JSX.Element", "Element");
}

// What a package exports of its own; what it passes on is in the other's reference.
function exportsOf(module, file) {
  const own = join(here, dirname(file));
  return checker.getExportsOfModule(module).map((s) => (s.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(s) : s)).filter((s) => s.declarations[0].getSourceFile().fileName.startsWith(own));
}

function section(title, file, about) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(here, file)));
  const all = exportsOf(module, file);
  all.sort((a, b) => (a.name < b.name ? -1 : 1));
  const exported = new Set(all.map((s) => s.name));
  const one = (s) => {
    const words = ts.displayPartsToString(s.getDocumentationComment(checker)).trim();
    return `### ${s.name}\n\n${words ? `${words}\n\n` : ""}\`\`\`ts\n${shape(s, exported).trim()}\n\`\`\`\n`;
  };
  return `## ${title}\n\n${about}\n\n${all.map(one).join("\n")}`;
}

const reference = `# The SDK

Made by \`node web/runtime/reference.mjs\` from the types and comments in \`web/runtime/sdk\` and \`web/runtime/ui\`; not to be edited. What a model reads before it
writes an app is \`home/template/agents/knowledge/apps.md\`, which says the same in short and has a whole app in it.

${packages.map((p) => section(...p)).join("\n")}`;

if (!process.argv.includes("--check")) writeFileSync(page, reference);
else if (readFileSync(page, "utf8") !== reference) {
  console.error("doc/sdk.md is not current: run `node web/runtime/reference.mjs`");
  process.exitCode = 1;
}

// What a model reads has to know every component and hook that there is.
const short = readFileSync(join(here, "../../home/template/agents/knowledge/apps.md"), "utf8");
const module = checker.getSymbolAtLocation(program.getSourceFile(join(here, packages[1][1])));
const unknown = exportsOf(module, packages[1][1]).map((s) => s.name).filter((n) => !/(Props|Direction)$/.test(n) && !new RegExp(`\\b${n}\\b`).test(short));
if (unknown.length > 0) {
  console.error(`home/template/agents/knowledge/apps.md does not name ${unknown.join(", ")} of @matrixos/ui`);
  process.exitCode = 1;
}
