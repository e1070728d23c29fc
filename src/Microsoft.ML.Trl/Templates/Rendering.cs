using System.Globalization;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl.Templates;

/// <summary>
/// One rendering in progress: what it may still cost, where it is, and what it has written. Every evaluated node is a step; so is every
/// element that is visited; of texts, characters are counted. Time and memory are thereby bounded whatever the template does.
/// </summary>
internal sealed class Rendering
{
    /// <summary>Deepest nesting of expressions, blocks, macro calls and of values in values.</summary>
    public const int MostLevels = 1000;

    /// <summary>Characters that cost as much as one step.</summary>
    private const int CharactersPerStep = 8;

    private readonly string _source;
    private readonly long _stepLimit;
    private readonly TextBuffer _root;
    private readonly List<ChatSpan> _spans = [];
    private long _work;
    private int _levels;
    private TextBuffer _output;

    /// <param name="source">Name of the template, for messages.</param>
    /// <param name="options">Limits and clock.</param>
    public Rendering(string source, ChatTemplateOptions options)
    {
        _source = source;
        _stepLimit = options.StepLimit;
        LengthLimit = options.LengthLimit;
        Clock = options.Clock;
        Globals = JinjaGlobals.Create();
        _root = _output = new TextBuffer(this);
    }

    /// <summary>Most characters of the output and of any text on the way.</summary>
    public int LengthLimit { get; }

    public TimeProvider Clock { get; }

    /// <summary>Variables of the caller, over Jinja's global functions.</summary>
    public Dictionary<string, object> Globals { get; }

    /// <summary>Line that is being evaluated.</summary>
    public int Line { get; private set; } = 1;

    /// <summary>The text so far.</summary>
    public string Text => _root.ToString();

    /// <summary>Where generation blocks wrote.</summary>
    public IReadOnlyList<ChatSpan> Spans => _spans;

    /// <summary>Counts steps.</summary>
    /// <exception cref="ChatTemplateException">There were too many.</exception>
    public void Step(long count = 1) => Work(count * CharactersPerStep);

    /// <summary>Counts characters that are read or written.</summary>
    /// <param name="length">How many; as a text, it must not be longer than is allowed.</param>
    /// <exception cref="ChatTemplateException">There were too many.</exception>
    public void Characters(long length)
    {
        if (length > LengthLimit)
            throw LimitPassed(
                $"a text of {Number(length)} characters", $"the limit is {Number(LengthLimit)}", nameof(ChatTemplateOptions.LengthLimit));
        Work(length);
    }

    /// <summary>Counts the characters of a text that is gone through one by one, which takes longer than copying it.</summary>
    public void EachCharacter(string text) => Step(text.Length / 2);

    /// <summary>Goes one level down; every call needs its <see cref="Leave"/>, unless an exception ends the rendering.</summary>
    public void Enter(int line)
    {
        Line = line;
        Enter();
    }

    /// <summary>Goes one level down within a value.</summary>
    public void Enter()
    {
        Step();
        if (++_levels > MostLevels || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw LimitPassed("nesting (of expressions, macro calls or values)", $"the limit is {Number(MostLevels)} levels", null);
    }

    public void Leave() => _levels--;

    /// <summary>The error for what the template does with its data.</summary>
    public ChatTemplateException Error(string message) => new(
        $"{message} ({_source}, line {Line}). Give the messages the form that this template reads, or correct the template.", Line);

    /// <summary>The error for what the template itself refuses.</summary>
    public ChatTemplateException Refusal(string message) => new(message, Line);

    public void Write(string text) => _output.Append(text);

    /// <summary>What an action writes, instead of writing it.</summary>
    public string Capture(Action action)
    {
        TextBuffer outer = _output;
        _output = new TextBuffer(this);
        action();
        string text = _output.ToString();
        _output = outer;
        return text;
    }

    /// <summary>Writes what a generation block says, and notes where.</summary>
    public void WriteGeneration(string text)
    {
        _spans.Add(new ChatSpan(_root.Length, _root.Length + text.Length)); // behind what is really written, as in transformers
        Write(text);
    }

    /// <summary>The error for a limit of the sandbox.</summary>
    public ChatTemplateException LimitPassed(string what, string limit, string? option) => new(
        $"The chat template went too far: {what}; {limit} ({_source}, line {Line}). "
        + (option is null
            ? "Simplify the template."
            : $"Correct the template, or raise {option} if the conversation really is that long."), Line);

    private void Work(long characters)
    {
        _work += characters;
        if (_work / CharactersPerStep > _stepLimit)
            throw LimitPassed("too many steps", $"the limit is {Number(_stepLimit)}", nameof(ChatTemplateOptions.StepLimit));
    }

    private static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
