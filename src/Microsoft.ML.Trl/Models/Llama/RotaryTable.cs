using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Cosines and sines of rotary positions, worked out once per place and kept on the host.</summary>
internal sealed class RotaryTable
{
    private readonly float[] _frequencies;
    private float[] _cosines = [];
    private float[] _sines = [];

    public RotaryTable(RopeSettings rope, int headSize) => _frequencies = rope.Frequencies(headSize);

    /// <summary>Pairs of dimensions; entries per place.</summary>
    public int Pairs => _frequencies.Length;

    /// <summary>Tables with at least this many places, [place · pairs + pair]. Thread-safe: a table in use is never written.</summary>
    public (float[] Cosines, float[] Sines) Upto(int places)
    {
        lock (_frequencies)
        {
            if (_cosines.Length < places * Pairs)
                Grow(Math.Max(places, 2 * _cosines.Length / Pairs));
            return (_cosines, _sines);
        }
    }

    /// <summary>Cosines and sines of the given places.</summary>
    /// <param name="positions">[T] or [B, T] int64.</param>
    /// <param name="places">A number above every position.</param>
    /// <param name="type">Type of the result.</param>
    /// <returns>Each [T or B·T, 1, pairs].</returns>
    public (Tensor Cosines, Tensor Sines) At(Tensor positions, int places, ScalarType type)
    {
        (float[] cosines, float[] sines) = Upto(places);
        Tensor rows = positions.reshape(-1);
        Tensor Pick(float[] table) => tensor(table).narrow(0, 0, (long)places * Pairs).view(places, Pairs).to(positions.device).index_select(0, rows).to_type(type).unsqueeze(1);
        return (Pick(cosines), Pick(sines));
    }

    private void Grow(int places)
    {
        (float[] cosines, float[] sines) = (new float[places * Pairs], new float[places * Pairs]);
        for (int place = 0; place < places; place++)
            for (int pair = 0; pair < Pairs; pair++)
                (sines[(place * Pairs) + pair], cosines[(place * Pairs) + pair]) = MathF.SinCos(place * _frequencies[pair]);
        (_cosines, _sines) = (cosines, sines);
    }
}
