using Microsoft.ML.Trl.Tokenization;

namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>
/// Which tokens of a vocabulary may come next. What was worked out for a state is kept, up to a limit. May be used by several threads.
/// </summary>
/// <param name="automaton">Of the texts that match.</param>
/// <param name="trie">Bytes of the tokens.</param>
internal sealed class TokenConstraint(ByteAutomaton automaton, TokenTrie trie)
{
    private const int MostKept = 512; // a state takes a byte per token

    private readonly Dictionary<int, bool[]> _known = [];

    /// <summary>Tokens that the vocabulary has.</summary>
    public int VocabularySize => trie.Count;

    /// <summary>Per token of the vocabulary, whether no text that matches goes on with it.</summary>
    /// <returns>Not to be changed.</returns>
    public bool[] Forbidden(int state)
    {
        lock (_known)
        {
            if (_known.TryGetValue(state, out bool[]? known))
                return known;
            if (_known.Count == MostKept)
                _known.Clear();
            bool[] forbidden = new bool[trie.Count];
            Array.Fill(forbidden, true);
            if (state != ByteAutomaton.Dead)
                foreach (int token in trie.Readable(state, automaton.Next))
                    forbidden[token] = false;
            return _known[state] = forbidden;
        }
    }

    /// <summary>The state after a token.</summary>
    public int Next(int state, int token) =>
        trie.BytesOf(token) is { Length: > 0 } bytes ? automaton.Next(state, bytes) : ByteAutomaton.Dead;

    /// <summary>Whether the text is complete.</summary>
    public bool Accepts(int state) => automaton.Accepts(state);

    /// <summary>Whether the text may go on.</summary>
    public bool CanContinue(int state) => automaton.CanContinue(state);
}
