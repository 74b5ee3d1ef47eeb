// Keys for those who work without a mouse. Every page works without this file.
(function () {
  "use strict";
  var waiting = false;
  document.documentElement.classList.add("s-js");

  function rows() {
    return Array.prototype.slice.call(document.querySelectorAll("details.s-item > summary"));
  }

  function move(step) {
    var all = rows();
    if (!all.length) return;
    var at = all.indexOf(document.activeElement);
    var to = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
    all[to].focus();
  }

  // The chart of the row that is looked at, else of the first that is open.
  function table() {
    var row = document.activeElement && document.activeElement.closest("details.s-item");
    var d = (row || document).querySelector("details.s-item[open] details.s-astable") || (row && row.querySelector("details.s-astable"));
    if (!d) return;
    d.open = !d.open;
    d.querySelector("summary").focus();
  }

  function help() {
    var d = document.getElementById("keys");
    if (d && d.showModal && !d.open) d.showModal();
  }

  document.addEventListener("keydown", function (e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    var t = e.target;
    if (t && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName))) return;
    if (waiting) {
      waiting = false;
      var link = document.querySelector('a[data-key="' + (/^[a-z]$/.test(e.key) ? e.key : "") + '"]');
      if (link) { e.preventDefault(); link.click(); }
      return;
    }
    switch (e.key) {
      case "/": {
        var find = document.getElementById("find");
        if (find) { e.preventDefault(); find.focus(); }
        break;
      }
      case "j": e.preventDefault(); move(1); break;
      case "k": e.preventDefault(); move(-1); break;
      case "g": waiting = true; break;
      case "t": e.preventDefault(); table(); break;
      case "?": e.preventDefault(); help(); break;
    }
  });

  // An item that a link names is opened when it is reached.
  function reveal() {
    var id = decodeURIComponent(location.hash.slice(1));
    var d = id && document.getElementById(id);
    if (d && d.tagName === "DETAILS") { d.open = true; d.scrollIntoView({ block: "center" }); }
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  // What takes more than half a second says that it is loading.
  var timer;
  function loading(on) {
    clearTimeout(timer);
    var el = document.getElementById("loading");
    if (!el) return;
    if (!on) { el.classList.remove("s-loading--on"); return; }
    timer = setTimeout(function () { el.classList.add("s-loading--on"); }, 500);
  }
  document.addEventListener("submit", function () { loading(true); });
  document.addEventListener("click", function (e) {
    var a = e.target.closest && e.target.closest("a[href]");
    if (a && a.origin === location.origin && !a.hash && !e.defaultPrevented) loading(true);
  });
  window.addEventListener("pageshow", function () { loading(false); });
})();
