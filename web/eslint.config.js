import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["node_modules/", "site/"] },
  js.configs.recommended,
  {
    languageOptions: {
      globals: {
        ...globals.browser,
        ...globals.worker,
        ...globals.node,
        // Put in by the build.
        CONTRACT: "readonly",
        MODEL_SHA256: "readonly",
      },
    },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
