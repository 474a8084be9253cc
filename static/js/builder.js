// The criteria builder: <criteria-builder name data-catalogue-url data-preview-url> edits a criteria document.
// Its parts: builder/model.js (the document), terms.js (words), values.js (typed inputs), rows.js (conditions),
// tree.js (groups and rows on the page), moves.js (drag, keyboard, menu), answer.js (live count), element.js (the element).

import { CriteriaBuilder } from "./builder/element.js";

if (!customElements.get("criteria-builder")) customElements.define("criteria-builder", CriteriaBuilder);
