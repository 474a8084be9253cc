// What was copied stands in the browser, so that it can be pasted in another flow and another tab.

import { act, announce, get, studio, toast } from "./canvas-post.js";

const CLIP = "tributary-clip";

export const steps = (count) => (count === 1 ? "1 step" : `${count} steps`);

export function copied() {
  try { return localStorage.getItem(CLIP) ?? ""; } catch { return ""; }
}

export async function copy(one, below, said = true) {
  const answer = await get(`${studio.dataset.copyUrl.replace("NODE", encodeURIComponent(one.dataset.node))}${below ? "?below=1" : ""}`);
  if (!answer) return false;
  const text = await answer.text();
  try { localStorage.setItem(CLIP, text); } catch { toast("This browser keeps nothing to paste later."); return false; }
  if (said) toast(`${steps(JSON.parse(text).nodes.length)} copied: paste at any +, in any flow.`, "success");
  return true;
}

export function paste(slot) {
  if (!slot) return announce("Nothing can follow this step.");
  if (!copied()) return announce("Nothing has been copied yet.");
  const { source, port } = slot.dataset;
  return act({ do: "paste", clip: copied(), source, port });
}
