import { describeCorpus } from "./corpus.ts";

describeCorpus({ images: 135, other: 120, names: 40 });
