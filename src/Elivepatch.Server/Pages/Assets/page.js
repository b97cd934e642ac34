// What makes pages live. Each works without it: this fetches the same page again and puts its changed parts in place of the old
// ones, and it follows the events of a build that runs. Text is only ever set as text.

const announcement = document.getElementById('announce');
const main = document.getElementById('main');

// The server's clock and this one need not agree.
const skew = Date.parse(document.documentElement.dataset.now) - Date.now();

function span(milliseconds) {
    const seconds = Math.max(0, milliseconds) / 1000;
    const two = (number) => String(Math.floor(number)).padStart(2, '0');
    if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
    return `${Math.floor(seconds / 3600)} h ${two(seconds % 3600 / 60)} min`;
}

function tick() {
    for (const element of document.querySelectorAll('[data-since]'))
        element.textContent = span(Date.now() + skew - Date.parse(element.dataset.since));
}

// What somebody reads, has opened or has scrolled to stays where it is.
function swap(part, fresh) {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && part.contains(selection.anchorNode)) return;
    const focused = part.contains(document.activeElement) ? document.activeElement.id : '';
    const open = [...part.querySelectorAll('details[open][id]')].map((details) => details.id);
    const scrolled = [...part.querySelectorAll('[data-scroll][id]')].map((box) => [box.id, box.scrollTop, box.scrollLeft]);
    const state = (element) => element.querySelector('h1 .state')?.lastChild.textContent;
    const before = state(part);
    part.replaceChildren(...fresh.childNodes);
    for (const id of open) document.getElementById(id)?.setAttribute('open', '');
    for (const [id, top, left] of scrolled) document.getElementById(id)?.scrollTo({ top, left, behavior: 'instant' });
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    const after = state(part);
    if (after && after !== before) announcement.textContent = `The build is ${after}.`;
}

let isRefreshing = false;

async function refresh() {
    if (isRefreshing || document.visibilityState !== 'visible') return false;
    isRefreshing = true;
    try {
        const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(20_000) });
        // The session is over: the page to sign in leads back here.
        if (answer.redirected) location.reload();
        if (answer.redirected || !answer.ok) return false;
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        for (const part of document.querySelectorAll('[data-part]')) {
            const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
            if (fresh && fresh.innerHTML !== part.innerHTML) swap(part, fresh);
        }
        tick();
        return true;
    } catch {
        // Nobody answers now; the next time may be better.
        return false;
    } finally {
        isRefreshing = false;
    }
}

// Control characters and those that turn a line around are written out, as the server does it.
function printable(text) {
    return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
        (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function lineOf(happened) {
    if (happened.kind !== 'stage') return happened.detail;
    return happened.status === 'running' ? null : `${happened.stage}: ${happened.status} ${happened.detail}`.trimEnd();
}

function append(log, happened) {
    const text = lineOf(happened);
    if (text === null) return;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
    const line = document.createElement('p');
    line.className = happened.kind;
    const time = document.createElement('time');
    time.dateTime = happened.time;
    time.textContent = new Date(happened.time).toISOString().slice(11, 21);
    line.append(time, ` ${printable(text)}`);
    log.append(line);
    while (log.childElementCount > 2000) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
}

// Refreshes at most once a second, and once more after the last thing that happened.
let isPending = false;

function soon() {
    if (isPending) return;
    isPending = true;
    setTimeout(async () => {
        isPending = false;
        if (!await refresh()) setTimeout(soon, 2000);
    }, 400);
}

function follow(log) {
    const source = new EventSource(`${log.dataset.events}?after=${log.dataset.after}`);
    source.onmessage = (message) => {
        const happened = JSON.parse(message.data);
        append(log, happened);
        if (happened.kind !== 'log') soon();
        // It may be queued again by a server that starts anew; everything else is its end.
        if (happened.kind === 'state' && happened.detail !== 'running' && happened.detail !== 'queued') source.close();
    };
    source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) soon();
    };
}

const log = document.getElementById('log');
if (log) {
    log.scrollTop = log.scrollHeight;
    if (log.dataset.events) follow(log);
}

const every = Number(main.dataset.refresh);
if (every > 0) {
    setInterval(refresh, every * 1000);
    document.addEventListener('visibilitychange', refresh);
}

tick();
setInterval(tick, matchMedia('(prefers-reduced-motion: reduce)').matches ? 5000 : 500);
