import { describeCorpus } from "./corpus.ts";

describeCorpus({ encodings: 140, dialects: 130 });
