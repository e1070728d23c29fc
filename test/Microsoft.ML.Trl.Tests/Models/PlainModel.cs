using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Parts of a decoder written out in loops over doubles, for one text: rows of numbers in, rows out.</summary>
internal sealed class PlainModel
{
    private readonly Dictionary<string, double[][]> _weights;

    public PlainModel(CausalLanguageModel model)
    {
        using var scope = NewDisposeScope();
        _weights = model.Weights().ToDictionary(
            weight => weight.Name,
            weight => weight.Value.detach().data<float>().Select(value => (double)value).Chunk((int)weight.Value.shape[^1]).ToArray());
    }

    public double[][] Embed(long[] ids, string name, double factor = 1) => [.. ids.Select(id => Scaled(_weights[name][id], factor))];

    public double[][] Linear(double[][] x, string name)
    {
        double[][] weight = _weights[name + ".weight"];
        double[]? bias = _weights.TryGetValue(name + ".bias", out double[][]? row) ? row[0] : null;
        return [.. x.Select(token => weight.Select((w, i) => w.Zip(token, (a, b) => a * b).Sum() + (bias?[i] ?? 0)).ToArray())];
    }

    /// <summary>RMS norm whose weights count from 1.</summary>
    public double[] ShiftedRms(double[] x, string name)
    {
        double root = Math.Sqrt((x.Sum(value => value * value) / x.Length) + 1e-6);
        return [.. x.Select((value, i) => value / root * (1 + _weights[name + ".weight"][0][i]))];
    }

    public double[] LayerNorm(double[] x, string name)
    {
        double mean = x.Average(), root = Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + 1e-5);
        return [.. x.Select((value, i) => ((value - mean) / root * _weights[name + ".weight"][0][i]) + _weights[name + ".bias"][0][i])];
    }

    /// <summary>The first dimensions of a head, turned by halves: dimension i against i + width / 2.</summary>
    public static double[] Turn(double[] head, int position, double theta, int width, double slowed = 1)
    {
        double[] turned = [.. head];
        for (int i = 0; i < width / 2; i++)
        {
            double angle = position / slowed / Math.Pow(theta, 2.0 * i / width);
            (double first, double second) = (head[i], head[i + (width / 2)]);
            turned[i] = (first * Math.Cos(angle)) - (second * Math.Sin(angle));
            turned[i + (width / 2)] = (second * Math.Cos(angle)) + (first * Math.Sin(angle));
        }
        return turned;
    }

    /// <summary>Softmax attention; each token looks at so many back, itself included.</summary>
    /// <param name="queries">Per token, its heads one after the other.</param>
    /// <param name="keys">The same; heads may be shared.</param>
    /// <param name="values">The same.</param>
    /// <param name="size">Width of a head.</param>
    /// <param name="scale">Of the scores.</param>
    /// <param name="window">Tokens.</param>
    public static double[][] Attend(double[][] queries, double[][] keys, double[][] values, int size, double scale, int window)
    {
        int heads = queries[0].Length / size, group = heads / (keys[0].Length / size);
        return [.. queries.Select((query, t) => Enumerable.Range(0, heads).SelectMany(head =>
        {
            int[] seen = [.. Enumerable.Range(0, t + 1).Where(key => key > t - window)];
            double Score(int key) => scale * Head(query, head).Zip(Head(keys[key], head / group), (a, b) => a * b).Sum();
            double[] weights = [.. seen.Select(key => Math.Exp(Score(key)))];
            return Enumerable.Range(0, size).Select(
                i => seen.Zip(weights, (key, weight) => weight * Head(values[key], head / group)[i]).Sum() / weights.Sum());
        }).ToArray())];

        double[] Head(double[] token, int head) => token[(head * size)..((head + 1) * size)];
    }

    /// <summary>Does something to each head of each token.</summary>
    public static double[][] PerHead(double[][] x, int size, Func<double[], int, double[]> change) =>
        [.. x.Select((token, t) => token.Chunk(size).SelectMany(head => change(head, t)).ToArray())];

    public static double[][] Sum(double[][] x, double[][] y) => [.. x.Zip(y, (a, b) => a.Zip(b, (c, d) => c + d).ToArray())];

    public static double Gelu(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));

    private static double[] Scaled(double[] row, double factor) => [.. row.Select(value => value * factor)];
}
