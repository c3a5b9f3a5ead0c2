// What Nexus does in the browser: folds the panel on a narrow screen, and keeps the theme in Codex.
"use strict";

const root = document.documentElement;
root.classList.toggle("sidebar-collapsed", matchMedia("(max-width: 60rem)").matches);

/** Stores the theme. Returns what went wrong, or nothing. */
async function storeTheme(theme) {
  const answer = await fetch("/codex/api/my/settings", {
    method: "PUT",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ theme_preference: theme }),
  });
  if (answer.redirected) {
    // The login has expired: what was fetched is the page to log in.
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return "";
  }
  if (answer.ok) return "";
  const body = await answer.json().catch(() => ({}));
  return body.error || body.detail || `Codex answered ${answer.status}.`;
}

document.addEventListener("DOMContentLoaded", () => {
  const menu = document.getElementById("sidebar-toggle");
  const toggle = document.getElementById("theme-toggle-btn");
  const message = document.getElementById("theme-message");
  const isFolded = () => root.classList.contains("sidebar-collapsed");
  const isDark = () => root.dataset.theme === "dark";
  const show = () => {
    menu.setAttribute("aria-expanded", String(!isFolded()));
    toggle.setAttribute("aria-pressed", String(isDark()));
  };

  menu.hidden = toggle.hidden = false;
  menu.addEventListener("click", () => {
    root.classList.toggle("sidebar-collapsed");
    show();
  });
  toggle.addEventListener("click", async () => {
    const before = root.dataset.theme;
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
    const trouble = await storeTheme(root.dataset.theme).catch(() => "Codex cannot be reached.");
    message.textContent = trouble && `The theme was not stored: ${trouble}`;
    if (trouble) root.dataset.theme = before;
    show();
  });
  show();
});
