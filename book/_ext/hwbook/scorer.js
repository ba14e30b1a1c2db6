// What to read comes before what to look up; otherwise as Sphinx has it.
var Scorer = {
  score: ([docname, , anchor, , score]) =>
    /(api|benchmarks|bibliography|errata|ledger|notation)$/.test(docname) && !anchor ? score - 1 : score,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
