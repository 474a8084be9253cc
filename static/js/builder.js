// The criteria builder: <criteria-builder name data-catalogue-url data-preview-url> edits a criteria document.
// Its parts: builder/model.js (the document), shapes.js (what rows can show), rows.js with property.js, event.js and follow.js
// (conditions), values.js with chips.js and moments.js (typed inputs), combo.js (names found by typing), tree.js (groups and rows
// on the page), chooser.js and scenario.js (what can be added), moves.js and hold.js (drag, keyboard, menu), dialogs.js (JSON),
// answer.js (live count), element.js (the element).

import { CriteriaBuilder } from "./builder/element.js";

if (!customElements.get("criteria-builder")) customElements.define("criteria-builder", CriteriaBuilder);
