// The flows list: search among triggers in the create dialog; the dialog opens by itself to show what was wrong.

import { filter } from "./canvas-filter.js";

document.addEventListener("input", (event) => { if (event.target.matches?.("[data-filter]")) filter(event.target); });
document.querySelector("#create-flow[data-show]")?.showModal();
