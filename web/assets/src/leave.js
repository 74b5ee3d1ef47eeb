// The quick exit of citizens' pages: by the button, or by Esc three times. It clears the
// page before anything else, and leaves nothing to go back to. Without this file the
// button is a form that does the same a moment later.
(function () {
  "use strict";
  var to = document.body.getAttribute("data-leave");
  if (!to) return;
  var quiet = document.body.hasAttribute("data-quiet");

  function leave() {
    document.title = "Weather";
    document.documentElement.replaceChildren(document.createElement("head"));
    try { fetch("/leave", { method: "POST", keepalive: true, cache: "no-store" }).then(go, go); } catch (e) { go(); }
    setTimeout(go, 700);
  }
  function go() { location.replace(to); }

  var form = document.getElementById("leave");
  if (form) form.addEventListener("submit", function (e) { e.preventDefault(); e.stopImmediatePropagation(); leave(); });

  var pressed = [];
  document.addEventListener("keydown", function (e) {
    if (e.key !== "Escape") { pressed = []; return; }
    var now = Date.now();
    pressed = pressed.filter(function (t) { return now - t < 3000; });
    pressed.push(now);
    if (pressed.length >= 3) leave();
  }, true);

  // A page that the browser kept is asked for again: who has left finds nothing in it.
  window.addEventListener("pageshow", function (e) {
    if (e.persisted) { document.documentElement.replaceChildren(document.createElement("head")); location.reload(); }
  });

  // In safety mode the pages that are looked at here are one place in the history.
  if (quiet) document.addEventListener("click", function (e) {
    var a = e.target.closest && e.target.closest("a[href]");
    if (!a || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || a.target || a.hasAttribute("download")) return;
    if (a.origin !== location.origin || (a.pathname === location.pathname && a.hash)) return;
    e.preventDefault();
    location.replace(a.href);
  });
})();
