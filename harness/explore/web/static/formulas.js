// Formulas of answers, as MathML, which browsers draw. What KaTeX does not read, and
// what is marked in part, stays the code that it is.
"use strict";

const formulas = [...document.querySelectorAll(".rendered code.formula")].filter(f => !f.firstElementChild || f.childNodes.length === 1);
if (formulas.length) {
  const library = document.createElement("script");
  library.src = "/static/katex.js";
  library.addEventListener("load", () => formulas.forEach(draw));
  document.head.append(library);
}

function draw(code) {
  const [, , tex] = code.textContent.match(/^(\\\(|\\\[|\$\$|\$)([^]*)(\\\)|\\\]|\$\$|\$)$/) ?? [];
  if (tex === undefined) return;
  const drawn = document.createElement("span");
  drawn.className = "drawn";
  try {
    katex.render(tex, drawn, {
      output: "mathml", displayMode: /^(\\\[|\$\$)/.test(code.textContent),
      throwOnError: true, strict: false, trust: refuse, maxSize: 20, maxExpand: 200,
    });
  } catch {
    return;
  }
  const mark = code.firstElementChild; // it is marked as a whole
  mark?.replaceChildren(drawn);
  code.replaceWith(mark ?? drawn);
}

// What would lead elsewhere is no formula.
function refuse() {
  throw new Error("not drawn");
}
