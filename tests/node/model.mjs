// A language model that answers by rules, after the AI SDK's interface LanguageModelV2.

const usage = { inputTokens: 3, outputTokens: 5, totalTokens: 8 };

const textOf = ({ content }) =>
    typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');

/** What it says to the prompt: a text, or the call of a tool. */
function answerTo(prompt, tools = []) {
    const has = (name) => tools.some((tool) => tool.name === name);
    const last = prompt.at(-1);
    if (last.role === 'tool') {
        return { text: `${last.content.map((part) => part.toolName).join()} is done.` };
    }
    const said = textOf(last);
    const name = /my name is (.*)/.exec(said)?.[1];
    if (name && has('updateWorkingMemory')) {
        return { tool: 'updateWorkingMemory', input: { memory: `# Person\n- Name: ${name}` } };
    }
    const city = /weather in (\w+)/.exec(said)?.[1];
    if (city && has('weather')) {
        return { tool: 'weather', input: { city } };
    }
    const known = prompt
        .filter(({ role }) => role === 'system')
        .map(textOf)
        .join();
    const person = /Name: (.*)/.exec(known)?.[1] ?? 'nobody I know';
    const heard = prompt.filter(({ role }) => role === 'user').length;
    return { text: `You are ${person}, and said ${heard} things, the last: ${said.slice(0, 40)}` };
}

export class StubModel {
    specificationVersion = 'v2';
    provider = 'stub';
    modelId = 'stub-1';
    supportedUrls = {};
    calls = 0;

    #content(prompt, tools) {
        const { text, tool, input } = answerTo(prompt, tools);
        return tool
            ? {
                  type: 'tool-call',
                  toolCallId: `call-${tool}-${++this.calls}`,
                  toolName: tool,
                  input: JSON.stringify(input),
              }
            : { type: 'text', text };
    }

    async doGenerate({ prompt, tools }) {
        const part = this.#content(prompt, tools);
        return {
            content: [part],
            finishReason: part.type === 'text' ? 'stop' : 'tool-calls',
            usage,
            warnings: [],
        };
    }

    async doStream({ prompt, tools }) {
        const part = this.#content(prompt, tools);
        const parts = [{ type: 'stream-start', warnings: [] }];
        if (part.type === 'text') {
            const words = part.text.split(/(?<= )/);
            parts.push({ type: 'text-start', id: 'text' });
            parts.push(...words.map((delta) => ({ type: 'text-delta', id: 'text', delta })));
            parts.push({ type: 'text-end', id: 'text' });
        } else {
            parts.push(part);
        }
        parts.push({ type: 'finish', finishReason: part.type === 'text' ? 'stop' : 'tool-calls', usage });
        return { stream: ReadableStream.from(parts) };
    }
}
