// The template editor: the preview follows what is typed, for the contact that was chosen.
const form = document.querySelector("[data-preview-form]");
const button = form?.querySelector("[data-preview-button]");
const chosen = document.querySelector("[data-preview-contact]");
let waiting = 0;

function look(delay) {
  clearTimeout(waiting);
  waiting = setTimeout(() => form.requestSubmit(button), delay);
}

form?.addEventListener("input", () => look(400));
chosen?.addEventListener("change", () => {
  for (const field of document.querySelectorAll('input[name="contact"]')) field.value = chosen.value;
  look(0);
});
