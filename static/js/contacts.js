// The form of a contact: one more row for an attribute, as often as wished. Without this script two blank rows stand there.

const button = document.querySelector("[data-attribute-add]");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const rows = document.querySelectorAll("[data-attribute-row]");
    const row = rows[rows.length - 1].cloneNode(true);
    for (const input of row.querySelectorAll("input")) input.value = "";
    button.before(row);
    row.querySelector("input").focus();
  });
}
