// What pages do beyond HTML. Everything here is a convenience: each page works without it.
'use strict';
(() => {
  const say = (text) => {
    const place = document.getElementById('announce');
    if (place) place.textContent = text;
  };
  const isTyping = (element) => element.closest('input, select, textarea, [contenteditable]') !== null;

  // The search box: `/` goes there, arrows go through what it finds, Escape leaves.
  const box = () => document.getElementById('find-q');
  const found = () => [...document.querySelectorAll('#found a')];
  document.addEventListener('keydown', (event) => {
    const at = event.target;
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(at)) {
      event.preventDefault();
      box()?.focus();
      return;
    }
    const inside = at === box() || at.closest?.('#found');
    if (!inside) return;
    const links = found();
    const place = links.indexOf(at);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && links.length > 0) {
      event.preventDefault();
      const next = place + step;
      (next < 0 ? box() : links[Math.min(next, links.length - 1)]).focus();
    } else if (event.key === 'Escape') {
      document.getElementById('found').replaceChildren();
      box().focus();
    }
  });
  document.addEventListener('input', (event) => {
    if (event.target === box() && box().value.trim() === '') document.getElementById('found').replaceChildren();
  });

  // Checkboxes of a list: all on the page at once, and how many are chosen.
  const chosen = () => [...document.querySelectorAll('input[type=checkbox][form=bulk]')];
  const count = () => {
    const button = document.querySelector('#bulk button');
    if (!button) return;
    button.dataset.text ??= button.textContent;
    const boxes = chosen();
    const checked = boxes.filter((one) => one.checked).length;
    button.textContent = checked > 0 ? `${button.dataset.text} (${checked})` : button.dataset.text;
    const all = document.getElementById('select-all');
    if (all) {
      all.checked = checked > 0 && checked === boxes.length;
      all.indeterminate = checked > 0 && checked < boxes.length;
    }
  };
  const offerAll = () => {
    const boxes = chosen();
    const head = boxes[0]?.closest('table')?.querySelector('thead th');
    if (!head || document.getElementById('select-all')) return count();
    const all = document.createElement('input');
    all.type = 'checkbox';
    all.id = 'select-all';
    all.setAttribute('aria-label', 'Select all on this page');
    all.addEventListener('change', () => {
      chosen().forEach((one) => { one.checked = all.checked; });
      count();
    });
    head.prepend(all, ' ');
    count();
  };
  document.addEventListener('change', (event) => {
    if (event.target.matches('input[type=checkbox][form=bulk]')) count();
  });

  // A running job: its events say when there is something new to show.
  let watched = null;
  const stop = () => {
    watched?.source.close();
    watched = null;
  };
  const watch = () => {
    const job = document.querySelector('#job[data-events]');
    const address = job?.dataset.events ?? null;
    if (address === (watched?.address ?? null)) return;
    stop();
    if (!address) return;
    const source = new EventSource(address);
    watched = { address, source, failures: 0, waiting: false };
    const mine = watched;
    const show = () => {
      if (mine.waiting || mine !== watched) return;
      mine.waiting = true;
      setTimeout(() => {
        mine.waiting = false;
        if (mine === watched) htmx.ajax('GET', location.href, { target: '#job', select: '#job', swap: 'outerHTML' });
      }, 500);
    };
    source.addEventListener('job', () => {
      mine.failures = 0;
      show();
    });
    // A proxy ends streams after a while, and the end of the job ends it for good. The browser connects again by itself.
    source.addEventListener('error', () => {
      mine.failures += 1;
      show();
      if (mine.failures > 20) stop();
    });
  };

  // Forms are sent once, however often their button is pressed.
  const buttons = (form) => [...form.querySelectorAll('button'), ...document.querySelectorAll(`button[form="${form.id}"]`)];
  const lock = (form, on) => buttons(form).forEach((button) => { button.disabled = on; });
  document.addEventListener('submit', (event) => {
    if (event.target.method === 'post') setTimeout(() => lock(event.target, true));
  });
  window.addEventListener('pageshow', () => [...document.forms].forEach((form) => lock(form, false)));

  // Only pages of Codex are swapped in: a login page, or the error of a proxy, is opened instead.
  const isPage = (text) => new DOMParser().parseFromString(text, 'text/html').getElementById('content') !== null;
  document.addEventListener('htmx:configRequest', (event) => { event.detail.headers.Accept = 'text/html'; });
  document.addEventListener('htmx:beforeSwap', (event) => {
    const { xhr, requestConfig } = event.detail;
    if (isPage(xhr.responseText)) return;
    event.detail.shouldSwap = false;
    if (requestConfig.verb === 'get') {
      location.assign(xhr.responseURL || location.href);
    } else {
      say('Nothing was saved: your login may have ended. Log in again in another tab, then send the form again.');
    }
  });
  for (const failure of ['htmx:sendError', 'htmx:timeout']) {
    document.addEventListener(failure, () => say('Codex did not answer. Try again.'));
  }
  document.addEventListener('htmx:beforeRequest', (event) => {
    if (event.detail.elt === box() && box().value.trim() === '') event.preventDefault();
    const form = event.detail.elt.closest('form[method=post]');
    if (form) lock(form, true);
  });
  document.addEventListener('htmx:afterRequest', (event) => {
    const form = event.detail.elt.closest('form[method=post]');
    if (form) lock(form, false);
  });

  // The form that stands in a record's page leads back to it without a new page. On a page of its own it is left alone.
  const editInPlace = () => {
    const form = document.querySelector('#content > .page-header ~ #edit');
    if (!form) return;
    const how = { boost: 'true', target: '#content', select: '#content', 'select-oob': '#notice', swap: 'outerHTML' };
    for (const [name, value] of Object.entries(how)) form.setAttribute(`hx-${name}`, value);
    htmx.process(form);
    form.querySelector('.action-footer a')?.setAttribute('hx-boost', 'false');
  };

  // After a swap the keyboard goes on where it was, and a screen reader hears what came of it.
  document.addEventListener('htmx:afterSettle', (event) => {
    const { target } = event.detail;
    const shown = (selector) => document.querySelector(selector)?.textContent.replace(/\s+/g, ' ').trim();
    if (target.id === 'found') {
      say(`${found().length} results`);
    } else if (target.id === 'list') {
      say(shown('#list .results-header__count') ?? '');
      if (document.activeElement === document.body) document.getElementById('list')?.focus({ preventScroll: true });
    } else if (target.id === 'content' || target.id === 'record') {
      editInPlace();
      const first = document.querySelector('#content [aria-invalid=true], #edit input:not([type=hidden])');
      (first ?? document.getElementById('content'))?.focus();
      say(shown('#notice') || shown('#content [role=alert]') || '');
    }
  });
  document.addEventListener('htmx:load', () => {
    offerAll();
    watch();
  });
})();
