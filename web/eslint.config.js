import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist/**", "runtime/**", "node_modules/**", "test-results/**", "src/protocol/schema.gen.ts"] },
  ...ts.configs.recommended,
  { rules: { "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true }] } },
  {
    files: ["src/**/*.{ts,tsx}"],
    plugins: { "react-hooks": hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      "max-lines": ["error", 500],
      "max-lines-per-function": ["error", { max: 200, skipComments: true, skipBlankLines: true }],
      "no-console": "error",
      eqeqeq: "error",
    },
  },
  { files: ["src/**/*.test.ts", "src/**/*.test.tsx"], rules: { "max-lines-per-function": "off" } },
);
