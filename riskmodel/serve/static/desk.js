// The page works without this. With it a changed control updates the answer where it stands, says its one sentence, and moves
// the address along, so that back and forward go through the questions.
"use strict";
const $ = (id) => document.getElementById(id);
const wide = matchMedia("(min-width: 62rem)");
let asking = null;

function opened() {
  return [...document.querySelectorAll("#answer details[open]")].map((one) => one.id);
}

const usual = { setting: "any", reading: "primary", audience: "clinician" };

function question() {
  const said = [...new FormData($("ask"))].filter(([name, value]) => value && value !== usual[name]);
  return "/?" + new URLSearchParams(said);
}

async function show(address, whole) {
  asking?.abort();
  const mine = (asking = new AbortController());
  $("main").setAttribute("aria-busy", "true");
  try {
    const reply = await fetch(address, { signal: mine.signal, headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!page.getElementById("answer")) throw new Error("no answer");
    const open = opened();
    for (const id of whole ? ["answer", "ask"] : ["answer"]) $(id).replaceChildren(...page.getElementById(id).childNodes);
    open.forEach((id) => id && $(id) && ($(id).open = true));
    const short = page.querySelector(".in-short");
    if (short) document.querySelector(".in-short").textContent = short.textContent;
    $("said").textContent = page.getElementById("said").textContent;
    document.title = page.title;
    $("knowns").open ||= wide.matches;
  } catch (error) {
    if (error.name !== "AbortError") location.assign(address);
  } finally {
    if (asking === mine) $("main").removeAttribute("aria-busy");
  }
}

// What is named is opened where it stands.
addEventListener("click", (event) => {
  const at = event.target.closest?.('a[href^="#"]')?.hash.slice(1);
  const fold = at && $(at)?.closest("details");
  if (fold) fold.open = true;
});

if ($("ask")) {
  document.documentElement.classList.add("live");
  $("knowns").open ||= wide.matches;
  wide.addEventListener("change", () => ($("knowns").open ||= wide.matches));
  const ask = (event) => {
    event.preventDefault();
    const address = question();
    if (address !== location.pathname + location.search) history.pushState(null, "", address);
    show(address, false);
  };
  $("ask").addEventListener("submit", ask);
  $("ask").addEventListener("change", ask);
  // A page that comes back as it was left has the controls of the next question over the answer to this one.
  addEventListener("pageshow", (event) => event.persisted && show(location.href, true));
  addEventListener("popstate", () => show(location.href, true));
  // Robustness is worked out when it is opened.
  $("answer").addEventListener("toggle", (event) => {
    const from = event.target.dataset.from;
    const link = event.target.open && from && event.target.querySelector(".prose a");
    if (link && !event.target.dataset.asked) (event.target.dataset.asked = "1"), show(from, false);
  }, true);
  // Everything is open on paper.
  addEventListener("beforeprint", () => document.querySelectorAll("#answer details").forEach((one) => (one.open = true)));
}
