namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>
/// Makes the automaton of a set of texts: a nondeterministic one by Thompson's construction (doi:10.1145/363347.363387), then the subsets
/// of its states that texts lead to (doi:10.1147/rd.32.0114).
/// </summary>
internal sealed class AutomatonBuilder
{
    private const int MostSteps = 400_000;
    private const int MostStates = 20_000;

    private readonly List<(ByteRange Range, int Next, int Other)> _steps = []; // a range to read, or two ways without reading
    private readonly int _accept;

    private AutomatonBuilder() => _accept = Add((default, -1, -1));

    /// <exception cref="ArgumentException">The automaton would be too large.</exception>
    public static ByteAutomaton Build(PatternNode pattern)
    {
        var builder = new AutomatonBuilder();
        return builder.Determine(builder.Compile(pattern, builder._accept));
    }

    private bool IsFork(int step) => _steps[step].Other >= 0;

    private int Add((ByteRange, int, int) step)
    {
        if (_steps.Count == MostSteps)
            throw TooLarge($"{MostSteps} steps");
        _steps.Add(step);
        return _steps.Count - 1;
    }

    private int Fork(int one, int other) => Add((default, one, other));

    /// <summary>Adds the steps of a part.</summary>
    /// <param name="node">The part.</param>
    /// <param name="next">The step after it.</param>
    /// <returns>Its first step.</returns>
    private int Compile(PatternNode node, int next) => node switch
    {
        CharactersNode characters => AnyOf(characters.Ranges.SelectMany(Utf8Ranges.Of), bytes => Read(bytes, next)),
        SequenceNode sequence => sequence.Parts.Reverse().Aggregate(next, (after, part) => Compile(part, after)),
        ChoiceNode choice => AnyOf(choice.Options, option => Compile(option, next)),
        RepeatNode repeat => Repeat(repeat, next),
        ListNode list => List(list, next),
        _ => throw new InvalidOperationException($"The pattern {node.GetType().Name} has no steps."),
    };

    private int AnyOf<T>(IEnumerable<T> options, Func<T, int> compile) => options.Select(compile).ToArray().Aggregate(Fork);

    private int Read(ByteRange[] bytes, int next) => bytes.Reverse().Aggregate(next, (after, range) => Add((range, after, -1)));

    private int Repeat(RepeatNode repeat, int next)
    {
        int first = next;
        if (repeat.Max is null)
        {
            first = Fork(next, next); // the way around is known when the part is there
            _steps[first] = (default, Compile(repeat.Part, first), next);
        }
        for (int i = repeat.Min; i < repeat.Max; i++)
            first = Fork(Compile(repeat.Part, first), next);
        for (int i = 0; i < repeat.Min; i++)
            first = Compile(repeat.Part, first);
        return first;
    }

    private int List(ListNode list, int next)
    {
        (int begun, int empty) = (next, next); // what follows where an entry stands before, and where none does
        foreach ((PatternNode entry, bool isRequired) in list.Entries.Reverse())
        {
            int here = Compile(entry, begun), behind = Compile(list.Separator, here);
            (begun, empty) = isRequired ? (behind, here) : (Fork(behind, begun), Fork(here, empty));
        }
        return empty;
    }

    private ByteAutomaton Determine(int start)
    {
        (byte[] classes, byte[] samples) = Classes();
        Dictionary<int[], int> numbers = new(SameNumbers.Instance);
        List<int[]> states = [];
        List<int> next = [];
        Number(Closure([start]));
        for (int state = 0; state < states.Count; state++)
            foreach (byte sample in samples)
                next.Add(Number(Closure(
                    states[state].Where(step => step != _accept && Holds(_steps[step].Range, sample)).Select(step => _steps[step].Next))));
        return new ByteAutomaton(classes, [.. next], [.. states.Select(steps => steps.Contains(_accept))]);

        int Number(int[] steps)
        {
            if (steps.Length == 0)
                return ByteAutomaton.Dead;
            if (numbers.TryGetValue(steps, out int known))
                return known;
            if (states.Count == MostStates)
                throw TooLarge($"{MostStates} states");
            states.Add(steps);
            return numbers[steps] = states.Count - 1;
        }
    }

    private static bool Holds(ByteRange range, byte value) => range.Low <= value && value <= range.High;

    /// <summary>The steps that read a byte, or accept, and are reached without reading; in rising order.</summary>
    private int[] Closure(IEnumerable<int> steps)
    {
        HashSet<int> seen = [.. steps];
        Stack<int> open = new(seen);
        List<int> closure = [];
        while (open.TryPop(out int step))
        {
            if (!IsFork(step))
            {
                closure.Add(step);
                continue;
            }
            foreach (int way in new[] { _steps[step].Next, _steps[step].Other })
                if (seen.Add(way))
                    open.Push(way);
        }
        closure.Sort();
        return [.. closure];
    }

    /// <summary>Bytes that no step tells apart, and one of each kind.</summary>
    private (byte[] Classes, byte[] Samples) Classes()
    {
        bool[] begins = new bool[257];
        begins[0] = true;
        for (int step = 0; step < _steps.Count; step++)
            if (!IsFork(step) && step != _accept)
                begins[_steps[step].Range.Low] = begins[_steps[step].Range.High + 1] = true;
        byte[] classes = new byte[256];
        List<byte> samples = [];
        for (int value = 0; value < 256; value++)
        {
            if (begins[value])
                samples.Add((byte)value);
            classes[value] = (byte)(samples.Count - 1);
        }
        return (classes, [.. samples]);
    }

    private static ArgumentException TooLarge(string limit) =>
        new($"The constraint needs more than {limit}; use smaller repetitions, fewer items or shorter texts.");
}
