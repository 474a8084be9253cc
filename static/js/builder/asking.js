// Asking the server: JSON there and back, with the page's token.

function token() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  if (field) return field;
  try {
    return JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
  } catch {
    return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
  }
}

export async function ask(url, body, signal) {
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token() };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
  if (answer.redirected) throw Object.assign(new Error("signed out"), { signedOut: true });
  return answer.json();
}
