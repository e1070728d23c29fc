using System.Text;

namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>
/// A deterministic automaton over bytes. From each of its states some text leads to acceptance, so that a text that got there can always
/// be completed. Immutable.
/// </summary>
/// <param name="classes">[256] number of each byte among those that the automaton tells apart.</param>
/// <param name="next">[states, classes] the state that follows; <see cref="Dead"/> where none does.</param>
/// <param name="accepts">[states] whether the text is complete.</param>
internal sealed class ByteAutomaton(byte[] classes, int[] next, bool[] accepts)
{
    /// <summary>The first state.</summary>
    public const int Start = 0;

    /// <summary>No state: the text cannot be completed any more.</summary>
    public const int Dead = -1;

    private readonly int _width = next.Length / accepts.Length;

    public int StateCount => accepts.Length;

    /// <summary>The state after one more byte.</summary>
    /// <param name="state">Not <see cref="Dead"/>.</param>
    /// <param name="value">The byte.</param>
    public int Next(int state, byte value) => next[(state * _width) + classes[value]];

    /// <summary>The state after more bytes.</summary>
    /// <param name="state">May be <see cref="Dead"/>.</param>
    /// <param name="bytes">Any number.</param>
    public int Next(int state, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (state == Dead)
                break;
            state = Next(state, value);
        }
        return state;
    }

    /// <summary>Whether the text is complete.</summary>
    public bool Accepts(int state) => state != Dead && accepts[state];

    /// <summary>Whether any byte may follow.</summary>
    public bool CanContinue(int state) => state != Dead && next.AsSpan(state * _width, _width).ContainsAnyExcept(Dead);

    /// <summary>Whether a whole text is accepted.</summary>
    public bool Matches(string text) => Accepts(Next(Start, Encoding.UTF8.GetBytes(text)));
}
