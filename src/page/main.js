// The page: follows the snapshots of the system and shows them.

import { Chart } from './chart.js';
import { follow, takeTokenFromAddress } from './connection.js';
import { byId, setText } from './dom.js';
import * as format from './format.js';
import { prepareLevers } from './lever.js';
import { showAlarms, showTiles } from './overview.js';
import { preparePayments } from './payments.js';
import { prepareRecords } from './records.js';
import { Seconds } from './seconds.js';
import { showBooks, showInstances, showProcessors } from './tables.js';

const rate = (name, column, color) => ({ name, column, color });
const percentile = (name, color) => ({ name, column: `settle ${name}`, color });

/** `stages`: where a payment can stand. */
function makeCharts(stages) {
  return [
    new Chart({
      id: 'rates',
      title: 'Payments per second',
      format: format.perSecond,
      series: [
        rate('accepted', 'accepted', 'accepted'),
        rate('settled by default', 'settled default', 'default'),
        rate('settled by fallback', 'settled fallback', 'fallback'),
        rate('refused', 'refused', 'refused'),
      ],
    }),
    new Chart({
      id: 'backlog',
      title: 'Held payments, by where they stand',
      format: format.count,
      isStacked: true,
      least: 10,
      series: stages.map((stage, index) => rate(stage, `backlog ${stage}`, `stage-${index}`)),
    }),
    new Chart({
      id: 'latency',
      title: 'From acceptance to the ledger, in the 10 s before',
      format: format.duration,
      least: 10,
      series: [
        percentile('p50', 'stage-1'),
        percentile('p90', 'default'),
        percentile('p99', 'fallback'),
      ],
    }),
    new Chart({
      id: 'shares',
      title: 'Share of the processors',
      format: format.percent,
      isStacked: true,
      isShare: true,
      series: [
        rate('default', 'settled default', 'default'),
        rate('fallback', 'settled fallback', 'fallback'),
      ],
      bands: [
        { name: 'default fails (upper bar)', column: 'failing default' },
        { name: 'fallback fails (lower bar)', column: 'failing fallback' },
      ],
    }),
  ];
}

function showConnection(isLive, reason) {
  const text = isLive ? 'live' : `connection lost (${reason}), trying again …`;
  document.body.classList.toggle('lost', !isLive);
  setText(byId('connection'), text);
}

takeTokenFromAddress();
const seconds = new Seconds();
let charts = [];
const shownSeconds = () => Number(byId('window').value);

function showCharts() {
  for (const chart of charts) chart.update(seconds, shownSeconds());
}

function show(snapshot) {
  seconds.add(snapshot.history);
  if (charts.length === 0) charts = makeCharts(Object.keys(snapshot.instances[0].stages));
  showAlarms(snapshot);
  showTiles(snapshot, seconds);
  showCharts();
  showProcessors(snapshot, seconds);
  showBooks(snapshot);
  showInstances(snapshot);
}

byId('window').addEventListener('change', showCharts);
prepareLevers();
preparePayments();
prepareRecords();
void follow(show, showConnection);
