import { parseObject } from "../../localstack/json.ts";
import type { Answer, Call, Forward, Route } from "./proxy.ts";

interface Waiting {
  queue: string;
  answer: (answer: Promise<Answer>) => void;
}

/**
 * Two routes for two workers: what one receives, the other receives too, at the same moment. A receive waits until the other
 * worker asks as well; then the queue is asked once, and both get its answer. SQS does so rarely, and says that it may:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
 */
export function createTwins(): { routes: [Route, Route]; messages(): number } {
  const lines: [Waiting[], Waiting[]] = [[], []];
  let messages = 0;

  const receive = async (call: Call, forward: Forward): Promise<Answer> => {
    const answer = await forward(call);
    messages += answer.body.toString().split('"ReceiptHandle"').length - 1;
    return answer;
  };
  const routeOf = (own: Waiting[], others: Waiting[]): Route => {
    return async (call, forward) => {
      if (call.operation !== "SQS.ReceiveMessage") return forward(call);
      const queue = String(parseObject(call.body.toString())?.QueueUrl);
      const place = others.findIndex((waiting) => waiting.queue === queue);
      const [twin] = place < 0 ? [] : others.splice(place, 1);
      if (twin === undefined) return new Promise((answer) => own.push({ queue, answer }));
      const received = receive(call, forward);
      twin.answer(received);
      return received;
    };
  };
  return { routes: [routeOf(...lines), routeOf(lines[1], lines[0])], messages: () => messages };
}
