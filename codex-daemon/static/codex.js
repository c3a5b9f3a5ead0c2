// Conveniences of the pages. Each page works without this script.
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const say = (text) => {
    const place = byId('announce');
    if (place) place.textContent = text;
  };
  // The value of a field, in whose place its form opens.
  const FIELD = '[id^="fact-"]';
  const INPUT = ':is(input:not([type=hidden]), select, textarea)';
  const isIdle = () => document.activeElement === null || document.activeElement === document.body;

  // The search box: `/` goes there, arrows go through what it finds, Escape leaves.
  const box = () => byId('find-q');
  const found = () => [...document.querySelectorAll('#found a')];
  const close = () => byId('found')?.replaceChildren();
  const isFinding = (element) => element === box() || element?.closest?.('#found') != null;
  document.addEventListener('keydown', (event) => {
    const at = event.target;
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (at.closest?.('input, select, textarea')) return;
      event.preventDefault();
      box()?.focus();
      return;
    }
    const form = at.closest?.(`${FIELD} form`);
    if (event.key === 'Escape' && form && !event.isComposing) form.querySelector('.action-footer a').click();
    if (!isFinding(at)) return;
    const links = found();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && links.length > 0) {
      event.preventDefault();
      const next = links.indexOf(at) + step;
      (next < 0 ? box() : links[Math.min(next, links.length - 1)]).focus();
    } else if (event.key === 'Escape') {
      close();
      box().focus();
    }
  });
  document.addEventListener('input', (event) => {
    if (event.target === box() && box().value.trim() === '') close();
  });
  for (const leaving of ['focusin', 'click']) {
    document.addEventListener(leaving, (event) => { if (!isFinding(event.target)) close(); });
  }

  // Checkboxes of a list: all on the page at once, and how many are chosen.
  const boxes = () => [...document.querySelectorAll('input[type=checkbox][form=bulk]')];
  const count = () => {
    const button = document.querySelector('#bulk button');
    const all = byId('select-all');
    if (!button || !all) return;
    button.dataset.text ??= button.textContent;
    const checked = boxes().filter((one) => one.checked).length;
    button.textContent = checked > 0 ? `${button.dataset.text} (${checked})` : button.dataset.text;
    all.checked = checked > 0 && checked === boxes().length;
    all.indeterminate = checked > 0 && !all.checked;
  };
  const offerAll = () => {
    const head = boxes()[0]?.closest('table')?.querySelector('thead th');
    if (head && !byId('select-all')) {
      const all = Object.assign(document.createElement('input'), { type: 'checkbox', id: 'select-all' });
      all.setAttribute('aria-label', 'Select all on this page');
      all.addEventListener('change', () => {
        boxes().forEach((one) => { one.checked = all.checked; });
        count();
      });
      head.prepend(all, ' ');
    }
    count();
  };
  document.addEventListener('change', (event) => {
    if (event.target.matches('input[type=checkbox][form=bulk]')) count();
  });

  // A running job: an event means that there is something new to show. A proxy ends a stream after a while, and the end
  // of the job ends it for good; the page then has no address of events. The browser reconnects unless it was refused.
  const MOST_FAILURES = 20;
  const LONGEST_WAIT = 30_000;
  let watched = null;
  const stop = () => {
    watched?.source.close();
    watched = null;
  };
  const showJob = () => htmx.ajax('GET', location.href, { target: '#job', select: '#job', swap: 'outerHTML' });
  const watch = (failures = 0) => {
    const address = document.querySelector('#job[data-events]')?.dataset.events;
    if (address === watched?.address) return;
    stop();
    if (!address) return;
    const mine = { address, source: new EventSource(address), failures, isWaiting: false };
    watched = mine;
    const later = (wait, act) => {
      if (mine.isWaiting) return;
      mine.isWaiting = true;
      setTimeout(() => {
        mine.isWaiting = false;
        if (mine === watched) act();
      }, wait);
    };
    mine.source.addEventListener('job', () => {
      mine.failures = 0;
      later(500, showJob);
    });
    mine.source.addEventListener('error', () => {
      mine.failures += 1;
      if (mine.failures > MOST_FAILURES) {
        stop();
        say('The job is no longer watched: use Refresh.');
      } else if (mine.source.readyState === EventSource.CLOSED) {
        later(Math.min(500 * 2 ** mine.failures, LONGEST_WAIT), () => {
          stop();
          watch(mine.failures);
          showJob();
        });
      } else {
        later(500, showJob);
      }
    });
  };

  // Forms are sent once, however often their button is pressed. A page that comes back from the browser's memory, or
  // that stays because the answer was a file, can be used again.
  const LOCKED = 10_000;
  let pressed = null;
  const lock = (form) => {
    for (const button of form.querySelectorAll('button:not(:disabled)')) {
      button.disabled = true;
      button.dataset.locked = '';
    }
  };
  const unlock = () => {
    for (const button of document.querySelectorAll('button[data-locked]')) {
      button.disabled = false;
      delete button.dataset.locked;
    }
    if (isIdle() && pressed?.isConnected) pressed.focus();
  };
  const isSent = (form) => form?.getAttribute('method') === 'post';
  document.addEventListener('submit', (event) => {
    pressed = event.submitter;
    if (!isSent(event.target) || event.defaultPrevented) return;
    setTimeout(() => lock(event.target)); // The browser reads the pressed button first
    setTimeout(unlock, LOCKED);
  });
  window.addEventListener('pageshow', unlock);
  document.addEventListener('htmx:beforeRequest', (event) => {
    const { elt } = event.detail;
    // The page of results has results already.
    if (elt === box() && (box().value.trim() === '' || byId('results'))) event.preventDefault();
    // One form at a time: a second one would lose what was typed into the first when it is saved.
    const open = byId('edit');
    if (open && elt.matches('a[hx-target]')) {
      event.preventDefault();
      open.querySelector(INPUT)?.focus();
      say('A form is open already: save it or cancel it first.');
    }
    const form = elt.closest('form');
    if (isSent(form)) lock(form);
  });
  document.addEventListener('htmx:afterRequest', unlock);

  // Only what was asked for is swapped in. Any other answer, such as a login page, another page or the error of a
  // proxy, is opened instead.
  const PARTS = { found: '#results', record: '#edit' };
  const partOf = (target) => PARTS[target.id] ?? (target.matches(FIELD) ? '#edit' : `#${target.id}`);
  const has = (text, selector) => new DOMParser().parseFromString(text, 'text/html').querySelector(selector) !== null;
  let typed = null;
  let held = null;
  document.addEventListener('htmx:configRequest', (event) => { event.detail.headers.Accept = 'text/html'; });
  document.addEventListener('htmx:beforeSwap', (event) => {
    const { detail } = event;
    const { xhr, target, requestConfig } = detail;
    const { elt, verb } = requestConfig;
    // The form of a field stays in its place while its value is refused.
    const isRefused = verb === 'post' && elt.closest(FIELD) !== null && has(xhr.responseText, '#edit');
    if (isRefused) Object.assign(detail, { target: byId('edit'), selectOverride: '#edit', swapOverride: 'outerHTML' });
    detail.ignoreTitle = isRefused || target.matches(FIELD);
    if (!has(xhr.responseText, partOf(target))) {
      detail.shouldSwap = false;
      if (verb === 'get') location.assign(xhr.responseURL || location.href);
      else say('Nothing was saved: your login may have ended. Log in again in another tab, then send the form again.');
    } else if (target.id === 'found' && !isFinding(document.activeElement)) {
      detail.shouldSwap = false;
    }
    const active = document.activeElement;
    held = target.contains(active) ? { tag: active.localName, text: active.textContent.trim() } : null;
    const isTyping = target.id === 'list' && active?.id === 'list-q';
    typed = isTyping ? { text: active.value, isNew: active.value !== requestConfig.parameters.q } : null;
  });
  for (const failure of ['htmx:sendError', 'htmx:timeout']) {
    document.addEventListener(failure, () => say('Codex did not answer. Try again, or load the page again.'));
  }
  // The form is there already.
  document.addEventListener('htmx:targetError', () => byId('edit')?.querySelector(INPUT)?.focus());

  // The form in the page of a record returns to the record without a new page. That of one field has no address of its
  // own.
  let edited = null;
  const editInPlace = () => {
    const form = byId('edit');
    if (!form) return;
    const how = { boost: 'true', target: '#content', select: '#content', 'select-oob': '#notice', swap: 'outerHTML' };
    if (form.closest(FIELD)) how['push-url'] = 'false';
    for (const [name, value] of Object.entries(how)) form.setAttribute(`hx-${name}`, value);
    htmx.process(form);
  };

  // After a swap the focus returns to where it was, and a screen reader announces the result.
  const words = (selector) => document.querySelector(selector)?.textContent.replace(/\s+/g, ' ').trim() ?? '';
  document.addEventListener('htmx:afterSwap', () => {
    const input = byId('list-q');
    if (typed && input) input.value = typed.text;
  });
  document.addEventListener('htmx:afterSettle', (event) => {
    const { target } = event.detail;
    const { id } = target;
    if (id === 'found') return say(`${found().length} results`);
    const isOpened = id === 'record' || target.matches(FIELD);
    if (id === 'content' || id === 'edit' || isOpened) {
      editInPlace();
      if (isOpened) edited = id;
      const wrong = document.querySelector('#content [aria-invalid=true]');
      const first = document.querySelector(`#edit ${INPUT}`);
      const opener = document.querySelector(`${FIELD}[id="${edited}"] a[hx-target]`);
      (wrong ?? first ?? opener ?? document.querySelector('#content .page-header a[hx-get]') ?? byId('content'))?.focus();
      if (isOpened) return say('');
      const fault = words('#content [role=alert]') || words('#edit :is(.u-text-danger, .u-text-warning)');
      return say(fault || words('#notice') || 'Nothing was changed.');
    }
    const part = byId(id);
    if (isIdle() && held && part) {
      const same = [...part.querySelectorAll(held.tag)].find((one) => one.textContent.trim() === held.text);
      (same ?? part).focus({ preventScroll: true });
    }
    if (id !== 'list') return;
    say(words('#list .results-header__count'));
    // The person went on typing before the answer came.
    const isNew = typed?.isNew;
    typed = null;
    if (isNew) htmx.trigger('#list-q', 'again');
  });
  document.addEventListener('htmx:load', () => {
    offerAll();
    watch();
  });
})();
