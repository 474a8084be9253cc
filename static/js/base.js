// The shell: theme switch, request bar, toasts, confirm dialog, menus. Nothing here is needed to read a page.
// Other modules and pages may dispatch: document.dispatchEvent(new CustomEvent("toast", {detail: {level, text}})).

const root = document.documentElement;

// Theme ---------------------------------------------------------------------------------------------------------------
function showTheme() {
  const choice = root.dataset.theme ?? "auto";
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
}

function chooseTheme(choice) {
  if (choice === "auto") delete root.dataset.theme;
  else root.dataset.theme = choice;
  try {
    if (choice === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", choice);
  } catch { /* storage may be forbidden: the choice lasts for this page */ }
  showTheme();
  document.dispatchEvent(new CustomEvent("theme"));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("theme")));

// Toasts and announcements --------------------------------------------------------------------------------------------
const STAY = 6000;
const ICONS = { success: "circle-check", warning: "triangle-alert", error: "circle-alert", info: "info" };

function leave(toast) {
  toast.classList.add("is-leaving");
  setTimeout(() => toast.remove(), 250);
}

function arm(toast) {
  toast.dataset.armed = "";
  if (toast.dataset.level === "error") return;
  let timer = setTimeout(() => leave(toast), STAY);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => { timer = setTimeout(() => leave(toast), STAY / 2); });
}

function toast(detail) {
  const { level = "info", text = "" } = typeof detail === "string" ? { text: detail } : detail ?? {};
  const template = document.getElementById("toast-template");
  const list = document.getElementById("toasts");
  if (!template || !list || !text) return;
  const item = template.content.querySelector(".toast").cloneNode(true);
  item.dataset.level = level;
  item.setAttribute("role", level === "error" ? "alert" : "status");
  const use = item.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICONS[level] ?? "info"}`));
  item.querySelector(".toast-text").textContent = text;
  list.append(item);
  arm(item);
}

function announce(text) {
  const region = document.getElementById("announce");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}

document.addEventListener("toast", (event) => toast(event.detail?.value ?? event.detail));
document.addEventListener("announce", (event) => announce(event.detail?.text ?? event.detail?.value ?? ""));

// Confirm -------------------------------------------------------------------------------------------------------------
// data-confirm="What will happen" [data-confirm-title] [data-confirm-yes] [data-confirm-danger]; hx-confirm uses it too.
function ask(element, text) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("#confirm-title").textContent = element.dataset.confirmTitle ?? "Are you sure?";
  dialog.querySelector("#confirm-text").textContent = text;
  const yes = dialog.querySelector("#confirm-yes");
  yes.textContent = element.dataset.confirmYes ?? "Continue";
  const danger = element.hasAttribute("data-confirm-danger");
  yes.classList.toggle("btn-danger-solid", danger);
  yes.classList.toggle("btn-primary", !danger);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { backToMenu(element); resolve(dialog.returnValue === "yes"); }, { once: true });
  });
}

// A menu shuts when its entry opens a dialog: afterwards the focus belongs to the button of that menu.
function backToMenu(element) {
  const menu = element.closest("[popover]");
  const lost = document.activeElement === document.body || document.getElementById("confirm").contains(document.activeElement);
  if (menu && lost) document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`)?.focus();
}

const agreed = new WeakSet();
document.addEventListener("click", async (event) => {
  const element = event.target.closest?.("[data-confirm]:not(form)");
  if (!element || agreed.delete(element)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (await ask(element, element.dataset.confirm)) {
    agreed.add(element);
    element.click();
  }
}, true);

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-confirm]") || agreed.delete(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  if (await ask(form, form.dataset.confirm)) {
    agreed.add(form);
    form.requestSubmit(submitter);
  }
}, true);

document.addEventListener("htmx:confirm", async (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail;
  if (!ctx?.confirm) return;
  event.preventDefault();
  if (await ask(event.target, ctx.confirm)) issueRequest();
  else dropRequest();
});

// Requests ------------------------------------------------------------------------------------------------------------
let underway = 0;
function bar(change) {
  underway = Math.max(0, underway + change);
  document.getElementById("request-bar")?.classList.toggle("on", underway > 0);
}
document.addEventListener("htmx:before:request", () => bar(1));
document.addEventListener("htmx:finally:request", () => bar(-1));
document.addEventListener("htmx:response:error", (event) => {
  const status = event.detail.ctx?.response?.status ?? 0;
  if (status >= 500) toast({ level: "error", text: "The server could not do that just now. Nothing was changed; please try again." });
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error instanceof TypeError) toast({ level: "error", text: "No answer from the server. Check the connection and try again." });
});

// A plain form that is posted twice by a double click goes once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || [...form.attributes].some(({ name }) => name.startsWith("hx-"))) return;
  const button = event.submitter;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  button?.classList.add("is-loading");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".btn.is-loading:not([data-keep-loading])")) button.classList.remove("is-loading");
});

// Menus: a popover is put beside the button that opened it ------------------------------------------------------------
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const start = getComputedStyle(menu).direction === "rtl" ? at.right - width : at.left;
  const left = menu.hasAttribute("data-end") || start + width > innerWidth - 8 ? at.right - width : start;
  const below = at.bottom + 4 + height <= innerHeight - 8;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - height - 4)}px`;
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (event.newState !== "open" || !menu.matches?.(".menu[popover]")) return;
  const buttons = [...document.querySelectorAll(`[popovertarget="${CSS.escape(menu.id)}"]`)];
  const button = buttons.find((one) => one.checkVisibility()) ?? buttons[0];
  if (button) place(menu, button);
  menu.querySelector(".menu-item, button")?.focus({ preventScroll: true });
}, true);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu[popover]");
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const items = [...menu.querySelectorAll(".menu-item:not(:disabled)")];
  const here = items.indexOf(document.activeElement);
  const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 }[event.key];
  event.preventDefault();
  items[(next + items.length) % items.length]?.focus();
});

// Clicks that need no server ------------------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const target = event.target.closest?.("[data-theme-choice], [data-dismiss], [data-open], [data-close]");
  if (!target) return;
  if (target.dataset.themeChoice) chooseTheme(target.dataset.themeChoice);
  else if (target.hasAttribute("data-dismiss")) leave(target.closest(".toast, .alert"));
  else if (target.dataset.open) document.querySelector(target.dataset.open)?.showModal();
  else target.closest("dialog")?.close();
});

// A press on the backdrop closes a dialog that says it may be closed so.
document.addEventListener("pointerdown", (event) => {
  const dialog = event.target;
  if (!(dialog instanceof HTMLDialogElement) || !dialog.hasAttribute("data-light-dismiss")) return;
  const box = dialog.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside) dialog.close();
});

function prepare() {
  showTheme();
  for (const item of document.querySelectorAll("#toasts > .toast:not([data-armed])")) arm(item);
}
prepare();
document.addEventListener("htmx:after:swap", prepare);
