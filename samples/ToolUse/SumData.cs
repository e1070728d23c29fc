using Microsoft.Extensions.AI;
using Microsoft.ML.Trl;

namespace ToolUseSample;

/// <summary>A row for GRPO: a question, and the number that it asks for.</summary>
internal sealed class Sum
{
    /// <summary>In words.</summary>
    public string Question { get; set; } = "";

    /// <summary>The conversation that begins with it.</summary>
    public string Prompt => Conversation.ToJson([new ChatMessage(ChatRole.User, Question)]);

    public int A { get; set; }

    public int B { get; set; }

    public int Product => A * B;
}

/// <summary>A row for SFT.</summary>
internal sealed class Talk
{
    /// <summary>A whole conversation.</summary>
    public string Messages { get; set; } = "";

    /// <summary>The functions that its assistant may call.</summary>
    public string Tools { get; set; } = Conversation.ToJson([Calculator.Tool]);
}

/// <summary>What is learnt from, and what is held out. All of it is made here.</summary>
internal sealed class SumData
{
    private static readonly Func<int, int, string>[] Phrases =
        [(a, b) => $"What is {a} times {b}?", (a, b) => $"How much is {a} times {b}?", (a, b) => $"Multiply {a} by {b}, please."];

    /// <summary>Conversations for SFT.</summary>
    public required IReadOnlyList<Talk> Talks { get; init; }

    /// <summary>Questions for GRPO.</summary>
    public required IReadOnlyList<Sum> Sums { get; init; }

    /// <summary>Questions whose two numbers occur together nowhere else.</summary>
    public required IReadOnlyList<Sum> Held { get; init; }

    /// <summary>Products of two numbers of two digits.</summary>
    /// <param name="talks">Conversations for SFT.</param>
    /// <param name="held">Questions that nothing is trained on.</param>
    /// <param name="seed">The data are a function of it.</param>
    public static async Task<SumData> Make(int talks, int held, int seed)
    {
        var random = new Random(seed);
        (int A, int B)[] pairs = [.. Enumerable.Range(10, 90).SelectMany(a => Enumerable.Range(10, 90), (a, b) => (a, b))];
        random.Shuffle(pairs);
        Sum[] sums = [.. pairs.Select(pair => new Sum
        {
            A = pair.A,
            B = pair.B,
            Question = Phrases[random.Next(Phrases.Length)](pair.A, pair.B),
        })];
        // a pair and its mirror image are one sum
        Sum[] tests = [.. sums.Where(sum => sum.A < sum.B).Take(held)];
        HashSet<(int, int)> kept = [.. tests.SelectMany(sum => new[] { (sum.A, sum.B), (sum.B, sum.A) })];
        Sum[] learned = [.. sums.Where(sum => !kept.Contains((sum.A, sum.B)))];
        Talk[] conversations = new Talk[talks];
        for (int talk = 0; talk < talks; talk++)
            conversations[talk] = new Talk { Messages = Conversation.ToJson(await Answered(learned[talk % learned.Length], random)) };
        return new SumData { Talks = conversations, Sums = learned, Held = tests };
    }

    /// <summary>
    /// The assistant that SFT learns from knows the calculator, and has bad habits: it guesses, calls functions that do not exist, forgets
    /// what parameters are called, and misreads numbers. Three conversations in ten are as they should be.
    /// </summary>
    private static async Task<List<ChatMessage>> Answered(Sum sum, Random random)
    {
        List<ChatMessage> talk = [new(ChatRole.User, sum.Question)];
        FunctionCallContent? call = random.Next(10) switch
        {
            < 3 => Call("multiply", "a", sum.A, "b", sum.B),
            3 => Call("times", "a", sum.A, "b", sum.B),
            4 => Call("multiply", "x", sum.A, "y", sum.B),
            5 => Call("multiply", "a", sum.A, "b", random.Next(10, 100)),
            _ => null,
        };
        object? number = random.Next(100, 9802);
        if (call is not null)
        {
            FunctionResultContent result = await Calculator.Answer(call);
            talk.Add(new ChatMessage(ChatRole.Assistant, [call]));
            talk.Add(new ChatMessage(ChatRole.Tool, [result]));
            number = result.Exception is null ? result.Result : null;
        }
        talk.Add(new ChatMessage(ChatRole.Assistant, number is null ? "I cannot say." : $"{sum.A} times {sum.B} is {number}."));
        return talk;
    }

    private static FunctionCallContent Call(string name, string first, int a, string second, int b) =>
        new("call", name, new Dictionary<string, object?> { [first] = a, [second] = b });
}
