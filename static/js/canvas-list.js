// The flows list: search among triggers in the create dialog; the dialog opens by itself to show what was wrong.

import { filter } from "./canvas-filter.js";

// What is chosen is among what is shown: the first of it, when the search has hidden the choice.
function chooseShown(scope) {
  if (scope.querySelector("[data-label]:not([hidden]) input:checked")) return;
  const first = scope.querySelector("[data-label]:not([hidden]) input[type=radio]");
  if (first) first.checked = true;
}

document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-filter]")) return;
  filter(event.target);
  chooseShown(document.querySelector(event.target.dataset.filter));
});
document.querySelector("#create-flow[data-show]")?.showModal();
