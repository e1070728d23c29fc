using System.Collections;

namespace Microsoft.ML.Trl.Models;

/// <summary>Which blocks have a window: a list without memory of its own, made before their number is checked.</summary>
/// <param name="count">Blocks.</param>
/// <param name="isWindowed">Of a block's number, from 0.</param>
internal sealed class LayerPattern(int count, Func<int, bool> isWindowed) : IReadOnlyList<bool>
{
    public int Count => count;

    public bool this[int layer] => isWindowed(layer);

    public IEnumerator<bool> GetEnumerator() => Enumerable.Range(0, count).Select(isWindowed).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
