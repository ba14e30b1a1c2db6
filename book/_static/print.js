// Paper is light, and a solution on paper cannot be opened.
(() => {
  "use strict";
  const root = document.documentElement;
  let theme;
  let closed = [];

  window.addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    closed = [...document.querySelectorAll(".bd-article details:not(.hide, [open])")];
    closed.forEach((box) => { box.open = true; });
  });

  window.addEventListener("afterprint", () => {
    root.dataset.theme = theme;
    closed.forEach((box) => { box.open = false; });
  });
})();
