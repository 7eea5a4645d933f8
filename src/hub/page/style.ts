/** Charcoal, clay and ember: the stove. System fonts, no script, readable at 320 px. */
export const STYLE = `
:root { color-scheme: dark; --charcoal: #17130f; --ash: #241d17; --line: #3d3128; --text: #f6ede3; --quiet: #c9b8a6;
  --clay: #d98b62; --ember: #ff9d4d; --leaf: #8fd19a; --warn: #ffc24b; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--charcoal); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.2; }
h1 span { color: var(--ember); }
h2 { font-size: 1.125rem; margin: 1.5rem 0 .5rem; }
a { color: var(--ember); }
a:focus-visible { outline: 3px solid var(--ember); outline-offset: 2px; }
nav { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .75rem; }
nav a, .older { display: inline-block; padding: .6rem 1rem; border: 1px solid var(--line); border-radius: .75rem;
  background: var(--ash); text-decoration: none; }
nav a[aria-current] { border-color: var(--ember); color: var(--text); }
.figures { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: .75rem 0 0; padding: 0; list-style: none; color: var(--quiet); }
.figures b { color: var(--text); font-variant-numeric: tabular-nums; }
.records { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); margin: 0; padding: 0; list-style: none; }
.record { display: grid; grid-template-columns: 5.5rem 1fr; gap: .875rem; padding: .75rem; background: var(--ash);
  border: 1px solid var(--line); border-radius: 1rem; overflow-wrap: anywhere; }
.record.quarantine { border-color: var(--warn); }
.photo { display: grid; place-items: center; width: 5.5rem; height: 5.5rem; border-radius: .625rem; background: var(--charcoal);
  color: var(--quiet); font-size: .75rem; text-align: center; object-fit: cover; overflow: hidden; }
.photo img { width: 100%; height: 100%; object-fit: cover; display: block; }
.record h3 { margin: 0; font-size: 1.0625rem; line-height: 1.3; }
.record p { margin: .125rem 0 0; color: var(--quiet); font-size: .875rem; }
.score { color: var(--clay); font-variant-numeric: tabular-nums; }
.state { color: var(--leaf); }
.state.held, .unsure { color: var(--warn); }
.reason { color: var(--warn) !important; }
.empty { padding: 2rem 1rem; border: 1px dashed var(--line); border-radius: 1rem; color: var(--quiet); text-align: center; }
footer { color: var(--quiet); font-size: .875rem; }
`
