namespace Microsoft.ML.Trl.Training;

/// <summary>
/// One update rule for blocks that are trained or updated by themselves, each with its own count of steps, and one for all else. Owns their
/// state. Call under no_grad, but for the constructor.
/// </summary>
internal sealed class OptimizerParts : IDisposable
{
    private readonly Func<IReadOnlyList<TrainedParameter>, int, Optimizer> _make;
    private readonly (Block Block, TrainedParameter[] Own)[] _blocks;
    private readonly Dictionary<Block, Part> _ofBlocks = new(ReferenceEqualityComparer.Instance);
    private readonly Part _rest;

    /// <param name="parameters">What to train, now or later.</param>
    /// <param name="blocks">Those that have a rule of their own, from the first <see cref="Renew"/> on; may be none.</param>
    /// <param name="make">Binds a rule to the parameters of a part; of the number of the part, its random numbers may depend.</param>
    public OptimizerParts(
        IReadOnlyList<TrainedParameter> parameters, IReadOnlyList<Block> blocks,
        Func<IReadOnlyList<TrainedParameter>, int, Optimizer> make)
    {
        _make = make;
        Dictionary<nint, TrainedParameter> all = parameters.ToDictionary(parameter => parameter.Value.Handle);
        _blocks = [.. blocks.Select(block => (block, block.OwnParameters().Select(own => all.GetValueOrDefault(own.Handle))
            .OfType<TrainedParameter>().DistinctBy(own => own.Value.Handle).ToArray()))];
        HashSet<nint> apart = [.. _blocks.SelectMany(block => block.Own).Select(parameter => parameter.Value.Handle)];
        _rest = new Part(make([.. parameters.Where(parameter => !apart.Contains(parameter.Value.Handle))], 0));
    }

    /// <summary>Blocks that were updated in the step that is not finished yet.</summary>
    public int Updated => _ofBlocks.Values.Count(part => part.IsDone);

    /// <summary>Bytes of moments and masters.</summary>
    public long StateBytes => All.Sum(part => part.Rule.StateBytes);

    private IEnumerable<Part> All => _ofBlocks.Values.Append(_rest);

    private Part[] Waiting => [.. All.Where(part => !part.IsDone)];

    /// <summary>Drops the state of blocks that are not trained any more, and makes one for those that are again.</summary>
    public void Renew()
    {
        for (int index = 0; index < _blocks.Length; index++)
        {
            Block block = _blocks[index].Block;
            TrainedParameter[] trained = [.. _blocks[index].Own.Where(parameter => parameter.Value.requires_grad)];
            if (trained.Length == 0 && _ofBlocks.Remove(block, out Part? asleep))
                asleep.Rule.Dispose();
            else if (trained.Length > 0 && !_ofBlocks.ContainsKey(block))
                _ofBlocks[block] = new Part(_make(trained, index + 1));
        }
    }

    /// <inheritdoc cref="Optimizer.CollectGradients"/>
    public void CollectGradients()
    {
        foreach (Part part in All)
            part.Rule.CollectGradients();
    }

    /// <summary>Euclidean norm over the gradients of all parameters, those of blocks that were updated already included.</summary>
    public double GradientNorm()
    {
        double[] norms = [.. All.Select(part => part.IsDone ? part.Norm : part.Rule.GradientNorm())];
        return norms.Length == 1 ? norms[0] : Math.Sqrt(norms.Sum(norm => norm * norm));
    }

    /// <summary>Euclidean norm over the gradients of a block's own parameters; 0 where none is trained.</summary>
    public double GradientNorm(Block block) => _ofBlocks.TryGetValue(block, out Part? part) ? part.Rule.GradientNorm() : 0;

    /// <summary>Updates a block before the others, and frees its gradients.</summary>
    /// <param name="block">Nothing happens where none of its parameters is trained.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="norm">Of its gradients.</param>
    public void Step(Block block, double rate, double norm)
    {
        if (!_ofBlocks.TryGetValue(block, out Part? part))
            return;
        part.Step(rate, 1);
        part.Rule.ClearGradients();
        (part.IsDone, part.Norm) = (true, norm);
    }

    /// <summary>Updates what was not updated in this step.</summary>
    /// <param name="rate">Learning rate.</param>
    /// <param name="gradientDivisor">By which every gradient is divided first, from clipping; 1 leaves them.</param>
    public void Step(double rate, double gradientDivisor)
    {
        foreach (Part part in Waiting)
            part.Step(rate, gradientDivisor);
    }

    /// <summary>Drops all gradients, and ends the step.</summary>
    public void ClearGradients()
    {
        foreach (Part part in All)
        {
            part.Rule.ClearGradients();
            part.IsDone = false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Part part in All)
            part.Rule.Dispose();
    }

    private sealed class Part(Optimizer rule)
    {
        private int _steps;

        public Optimizer Rule => rule;

        public bool IsDone { get; set; }

        public double Norm { get; set; }

        public void Step(double rate, double gradientDivisor) => rule.Step(++_steps, rate, gradientDivisor);
    }
}
