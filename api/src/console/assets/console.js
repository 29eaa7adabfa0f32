// @ts-check
// The console's script: swaps in what has changed, copies ids, knows a few keys. Every page is complete without it.

/**
 * Makes an element like another, and leaves alone what is alike: focus, marked text and opened folds stay.
 * @param {Element} now what is on the page
 * @param {Element} next what it should be
 */
function become(now, next) {
  for (const { name, value } of [...next.attributes]) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  for (const { name } of [...now.attributes]) {
    // What people have opened stays open.
    if (!next.hasAttribute(name) && name !== "open") now.removeAttribute(name);
  }
  children(now, next);
}

/**
 * The same for what is inside.
 * @param {Element} now
 * @param {Element} next
 */
function children(now, next) {
  /** @type {Map<string, Element>} */
  const known = new Map();
  for (const child of now.children) if (child.id) known.set(child.id, child);
  let at = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    const kept = wanted instanceof Element && wanted.id ? known.get(wanted.id) : undefined;
    if (kept && kept !== at) {
      now.insertBefore(kept, at);
      at = kept;
    }
    if (at && alike(at, wanted)) {
      if (at instanceof Element && wanted instanceof Element) become(at, wanted);
      else if (at.nodeValue !== wanted.nodeValue) at.nodeValue = wanted.nodeValue;
      at = at.nextSibling;
    } else {
      const added = wanted.cloneNode(true);
      now.insertBefore(added, at);
      if (added instanceof HTMLElement && added.id && known.size) flash(added);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/**
 * @param {Node} one
 * @param {Node} other
 */
function alike(one, other) {
  if (one.nodeName !== other.nodeName) return false;
  if (one instanceof Element && other instanceof Element) return one.id === other.id;
  return true;
}

/**
 * Shows that something is new; the style leaves it out for those who want no motion.
 * @param {HTMLElement} added
 */
function flash(added) {
  added.dataset.new = "";
  added.addEventListener("animationend", () => delete added.dataset.new, { once: true });
}

/** @param {string} text */
function say(text) {
  const place = document.getElementById("stream");
  if (place && place.textContent !== text) place.textContent = text;
}

/** Listens to the page's stream while somebody can see the page. */
function live() {
  const address = document.body.dataset.stream;
  if (!address) return;
  /** @type {EventSource | undefined} */
  let source;
  const listen = () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
      return;
    }
    if (source) return;
    source = new EventSource(address);
    source.addEventListener("part", (event) => {
      /** @type {{id: string, html: string}} */
      const { id, html } = JSON.parse(event.data);
      const place = document.getElementById(id);
      if (!place) return;
      const next = document.createElement("template");
      next.innerHTML = html;
      const whole = document.createElement("div");
      whole.append(next.content);
      children(place, whole);
      decorate(place);
    });
    source.addEventListener("at", (event) => say(`Live, as of ${event.data} UTC.`));
    source.addEventListener("trouble", (event) => say(`Not up to date: ${event.data}. Trying again.`));
    source.addEventListener("signed-out", () => {
      source?.close();
      say("Your session has ended. Reload the page to sign in.");
    });
    source.addEventListener("error", () => say("Not live: the connection is lost. Trying again."));
  };
  document.addEventListener("visibilitychange", listen);
  listen();
}

/**
 * Adds a button to each id that can be copied.
 * @param {ParentNode} place
 */
function decorate(place) {
  if (!navigator.clipboard) return;
  for (const id of place.querySelectorAll("[data-copy]")) {
    if (id.nextElementSibling?.classList.contains("copy")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "copy";
    button.setAttribute("aria-label", `Copy ${id.textContent}`);
    id.after(button);
  }
}

/** @param {MouseEvent} event */
async function copy(event) {
  const button = event.target;
  if (!(button instanceof HTMLButtonElement) || !button.classList.contains("copy")) return;
  await navigator.clipboard.writeText(button.previousElementSibling?.textContent ?? "");
  button.textContent = "copied";
  setTimeout(() => (button.textContent = "copy"), 1200);
}

/** @param {KeyboardEvent} event */
function key(event) {
  const at = document.activeElement;
  const writing = at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (writing) {
    if (event.key === "Escape") at.blur();
    return;
  }
  if (event.key === "j" || event.key === "k") {
    const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-row]")]);
    const here = rows.findIndex((row) => row === at || row.contains(at));
    const next = event.key === "j" ? Math.min(here + 1, rows.length - 1) : Math.max(here - 1, 0);
    rows[next]?.focus();
    rows[next]?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "/") {
    document.getElementById("q")?.focus();
  } else if (event.key === "?") {
    const keys = /** @type {HTMLDetailsElement | null} */ (document.querySelector("details.keys"));
    if (keys) {
      keys.open = !keys.open;
      keys.querySelector("summary")?.focus();
    }
  } else {
    return;
  }
  event.preventDefault();
}

/** Two presses of one button are one wish: the second finds it gone. The server would refuse it too. */
function once() {
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      const sent = /** @type {HTMLElement} */ (form);
      if (sent.dataset.sent) return event.preventDefault();
      sent.dataset.sent = "yes";
    });
  }
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) form.removeAttribute("data-sent");
  });
}

decorate(document);
document.addEventListener("click", copy);
document.addEventListener("keydown", key);
once();
live();
