// Blocking and tiny: the chosen theme is on <html> before the first paint.
(() => {
  let choice = null;
  try { choice = localStorage.getItem("theme"); } catch { /* storage may be forbidden */ }
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
})();
