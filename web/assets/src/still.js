// A page of a record that is open asks every few seconds whether it may still be open.
// Where it may not it says so, saves nothing more, and gives back what was written.
(function () {
  "use strict";
  var still = document.body.getAttribute("data-still");
  var bar = document.getElementById("ended");
  if (!still || !bar || !window.fetch) return;
  var every = 5000, ended = false, asking = false, stopped = [];

  // What was written, a line a field, as the labels call it.
  function written() {
    var out = [];
    document.querySelectorAll("main form[method=post] input, main form[method=post] textarea, main form[method=post] select").forEach(function (f) {
      if (f.type === "hidden" || f.type === "submit" || f.type === "password" || (/^(radio|checkbox)$/.test(f.type) && !f.checked)) return;
      var chosen = f.type === "radio" || f.type === "checkbox";
      var label = f.labels && f.labels[0] ? f.labels[0].textContent.trim().replace(/\s+/g, " ") : f.name;
      var value = f.tagName === "SELECT" ? (f.selectedIndex > 0 ? f.options[f.selectedIndex].text : "") : f.value.trim();
      if (chosen) out.push(label);
      else if (value && value !== f.defaultValue) out.push(label + ": " + value);
    });
    return out.join("\n");
  }

  // Nothing is sent that would be refused; what leads back in is left as it is.
  function stop() {
    document.querySelectorAll("main form[method=post]").forEach(function (form) {
      if (/\/(declare|emergency)$/.test(form.getAttribute("action") || "")) return;
      form.querySelectorAll("button, input[type=submit]").forEach(function (b) {
        if (!b.disabled) { b.disabled = true; stopped.push(b); }
      });
    });
  }

  function show(why) {
    var draft = written();
    bar.querySelectorAll("[data-why]").forEach(function (p) { p.hidden = p.getAttribute("data-why") !== why; });
    var text = document.getElementById("ended-text");
    if (!ended) {
      text.value = draft;
      document.getElementById("ended-draft").hidden = !draft;
      stop();
    }
    bar.hidden = false;
    ended = true;
  }

  function again() {
    bar.hidden = true;
    ended = false;
    stopped.forEach(function (b) { b.disabled = false; });
    stopped = [];
  }

  function ask() {
    if (asking || document.visibilityState === "hidden") return;
    asking = true;
    fetch(still + (ended ? "&ended=1" : ""), { headers: { "Selda-Watching": "1" }, cache: "no-store", redirect: "manual" }).then(function (r) {
      if (r.status === 204) { if (ended) again(); }
      else if (r.status === 403) show("care");
      else if (r.status === 409) show("acting");
      else if (r.status === 401) show("session");
    }).catch(function () { /* the line is down: the next time will tell */ }).then(function () { asking = false; });
  }

  document.getElementById("ended-copy").addEventListener("click", function () {
    var text = document.getElementById("ended-text"), said = document.getElementById("ended-copied");
    text.focus();
    text.select();
    function done() { said.textContent = "Copied."; }
    if (navigator.clipboard && navigator.clipboard.writeText) navigator.clipboard.writeText(text.value).then(done, function () { said.textContent = "Press Ctrl and C to copy it."; });
    else said.textContent = "Press Ctrl and C to copy it.";
  });
  document.addEventListener("visibilitychange", ask);
  setInterval(ask, every);
})();
