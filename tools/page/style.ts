// The look of the pages: a column that is as wide as the screen, light or dark as the reader has
// it, and light on paper.

import { Html } from './html.ts';
import { TONES } from './tones.ts';

const LIGHT = `--ground:#fff;--box:#f5f6f8;--ink:#1b1f24;--soft:#5b6470;--rule:#d9dde3;
--a:#0b6bb0;--b:#c4511c;--c:#0b7d5c;--d:#9b4a86;--e:#7a6a00;--f:#54606e;--g:#2a4d9b;--h:#a1232b;
--good:#0b7d5c;--bad:#b3261e;--warn:#8a5a00;--ok:#cfe8dd;--slow:#f6e0b5;--fails:#f3c2bd;`;
const DARK = `--ground:#14171b;--box:#1d2127;--ink:#e7eaee;--soft:#a2acb8;--rule:#363c45;
--a:#5cb3f0;--b:#f09a6a;--c:#4fc9a2;--d:#d894c4;--e:#d6c452;--f:#aab4c0;--g:#8fa9f0;--h:#f07a80;
--good:#4fc9a2;--bad:#ff8a80;--warn:#e6b450;--ok:#1e4437;--slow:#5a4517;--fails:#6b2621;`;

const RULES = `
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1rem;max-width:62rem;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .4rem}
h3{font-size:1rem;margin:0}p{margin:.4rem 0}.soft,.note{color:var(--soft)}.note{font-size:.9rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;margin:1rem 0}
.tile{background:var(--box);border-radius:.5rem;padding:.6rem .8rem}
.tile b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.85rem}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
ul.found{padding-left:1.2rem;margin:.4rem 0}
figure{margin:1.4rem 0;break-inside:avoid}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.85rem;color:var(--soft)}
.legend i{display:inline-block;width:1.2rem;height:0;border-top:3px solid;margin-right:.35rem;
vertical-align:middle}.legend i.dashed{border-top-style:dashed}
.frame{display:grid;grid-template-columns:3.6rem 1fr;margin-top:.5rem;font-size:.72rem;
color:var(--soft);font-variant-numeric:tabular-nums}
.y,.x,.row,.plot{position:relative}.y span{position:absolute;right:.4rem;transform:translateY(-50%);
white-space:nowrap}.x{height:1.3rem;grid-column:2}.x span{position:absolute;top:.15rem;
transform:translateX(-50%);white-space:nowrap}.x span:first-child{transform:none}
.x span.end{transform:translateX(-100%)}
.plot{height:13rem;border-left:1px solid var(--rule);border-bottom:1px solid var(--rule)}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:hidden}
.plot .mark{position:absolute;font-size:.72rem;white-space:nowrap;background:var(--ground);
padding:0 .2rem;border-radius:.2rem;line-height:1.2}
.rowname{text-align:right;padding-right:.3rem;line-height:1.25rem;white-space:nowrap}
.row{height:1.25rem;margin-bottom:1px}.row span{position:absolute;top:0;bottom:0;overflow:hidden;
text-overflow:ellipsis;text-align:center;line-height:1.25rem;white-space:nowrap;color:var(--ink);
border-left:1px solid var(--ground)}
.ok{background:var(--ok)}.slow{background:var(--slow)}.fails{background:var(--fails)}
path,line{vector-effect:non-scaling-stroke;fill:none}.grid{stroke:var(--rule);stroke-width:1}
.curve{stroke-width:1.8;stroke-linejoin:round}.dashed{stroke-dasharray:5 3}
.area{stroke:none;opacity:.32}.over{fill:transparent}.over:hover{fill:var(--ink);opacity:.08}
.shade{fill:var(--fails);opacity:.35}.at{stroke:var(--bad);stroke-width:1;stroke-dasharray:2 3}
${TONES.map((tone) => `.curve.${tone}{stroke:var(--${tone})}.area.${tone},.bar.${tone}{fill:var(--${tone})}i.${tone}{border-color:var(--${tone})}`).join('\n')}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;
font-variant-numeric:tabular-nums;min-width:16rem}
th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--rule);
vertical-align:top;overflow-wrap:normal}
th{font-weight:600;color:var(--soft)}.numbers td:not(:first-child),.numbers th:not(:first-child){
text-align:right}
details{margin:.3rem 0;font-size:.88rem}summary{cursor:pointer;color:var(--soft)}
details .wide{max-height:18rem;overflow:auto}
@media(max-width:30rem){.folded :is(table,thead,tbody){display:block}.folded table{font-size:.8rem}
.folded tr{display:grid;grid-template-columns:1.2fr 1fr 1fr 1fr;border-bottom:1px solid var(--rule)}
.folded :is(td,th){border:0;padding-right:.3rem;overflow-wrap:anywhere}
.folded :is(td,th):last-child{grid-column:1/-1;color:var(--soft);padding-top:0}
.fitted table{width:100%;table-layout:fixed;font-size:.8rem}.fitted th:first-child{width:4.6rem}
.fitted :is(td,th){overflow-wrap:anywhere}
body{padding:.7rem}.frame{grid-template-columns:3.1rem 1fr}
.plot{height:11rem}.row span{font-size:.62rem}.rowname{font-size:.66rem}}
@media print{body{max-width:none;padding:0;font-size:11px}details{display:none}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`;

export const STYLE = new Html(
  `:root{${LIGHT}}\n@media screen and (prefers-color-scheme:dark){:root{${DARK}}}\n${RULES}`,
);
