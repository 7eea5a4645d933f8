/** Charcoal, clay and ember: the app's own colours by night. System fonts, no script, readable at 320 px. */
export const STYLE = `
:root { color-scheme: dark; --ground: #14110f; --surface: #241f1b; --iron: #0a0807; --line: #4d443d; --ink: #f7f0e9;
  --soft: #cbbfb4; --clay: #59301d; --clay-ink: #ffd3b8; --ember: #ff8b43; --leaf: #9bd6a2; --warn: #ffc75a;
  --bowl: 6px 6px 24px 24px; --bowl-small: 4px 4px 18px 18px; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header { background: var(--iron); border-bottom: 4px solid var(--ember); }
header > div, main, footer { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { margin: 0; font-size: 1.625rem; line-height: 1.15; letter-spacing: -.01em; }
h1 span { color: var(--ember); }
h2 { font-size: 1.125rem; margin: 1.25rem 0 .625rem; }
h2:first-child { margin-block-start: .25rem; }
a { color: var(--ember); text-underline-offset: .2em; }
a:focus-visible { outline: 3px solid var(--ember); outline-offset: 2px; }
.figures { margin: .375rem 0 0; color: var(--soft); }
.figures b { color: var(--ink); font-variant-numeric: tabular-nums; }
nav { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem; margin-block-start: .75rem; }
nav a { padding-block: .625rem; }
.programmes { display: flex; flex-wrap: wrap; gap: .5rem; }
.programmes a, .older { padding: .625rem 1.125rem; border: 1px solid var(--line); border-radius: var(--bowl-small);
  background: var(--surface); color: var(--ink); text-decoration: none; }
.programmes a[aria-current] { background: var(--clay); border-color: var(--clay); color: var(--clay-ink); }
.older { display: inline-block; }
.divided { padding: .75rem 1rem; border-inline-start: 4px solid var(--warn); background: var(--surface); }
.records { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); margin: 0; padding: 0; list-style: none; }
.record { display: flex; gap: .875rem; padding: .75rem; background: var(--surface); border-radius: var(--bowl); }
.record.quarantine { box-shadow: inset 0 0 0 2px var(--warn); }
.photo { flex: none; display: grid; place-items: center; width: 6.5rem; height: 6.5rem; border-radius: var(--bowl-small);
  background: var(--ground); color: var(--soft); font-size: .8125rem; line-height: 1.3; text-align: center; overflow: hidden; }
.photo img { width: 100%; height: 100%; object-fit: cover; display: block; }
.about { flex: 1; min-width: 0; }
.record h3 { margin: 0; font-size: 1.125rem; line-height: 1.25; }
.record p { margin: .1875rem 0 0; color: var(--soft); font-size: .875rem; line-height: 1.35; }
.score { color: var(--ember); font-variant-numeric: tabular-nums; white-space: nowrap; }
.record .state { color: var(--leaf); }
.record .held, .record .unsure, .record .reason { color: var(--warn); }
.unsure { font-size: .875rem; white-space: nowrap; }
.empty { padding: 2.5rem 1rem; border: 1px dashed var(--line); border-radius: var(--bowl); color: var(--soft); text-align: center; }
footer { color: var(--soft); font-size: .875rem; }
`
