const defaults = require("tailwindcss/defaultTheme");
/** @type {import('tailwindcss').Config} */
module.exports = {
  darkMode: ["class"],
  content: ["./index.html", "./src/**/*.{js,jsx}"],
  theme: {
    extend: {
      colors: { brand: { DEFAULT: "rgb(1, 2, 3)", dark: "hsl(var(--shade))" } },
      fontFamily: { sans: ["Inter", ...defaults.fontFamily.sans] },
      borderRadius: { card: "11px" },
    },
  },
  plugins: [require("tailwindcss-animate")],
};
