using Microsoft.ML.Trl.Adapters;
using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Planning;

/// <summary>
/// What a method trains: a model of <see cref="ShapedWeights"/> with the adapters that the options put beside it. Owns the model.
/// </summary>
internal sealed class ModelShape : IDisposable
{
    private static readonly string[] ClassifierHeads = ["classifier", "score"];

    private readonly Dictionary<LinearModule, int> _ranks = [];
    private readonly List<TrainedTensor> _active = [];
    private readonly HashSet<Block> _passed = new(ReferenceEqualityComparer.Instance);

    private ModelShape(DecoderModel model) => Model = model;

    /// <summary>Its parameters have shapes and no memory; those that are trained need a gradient.</summary>
    public DecoderModel Model { get; }

    /// <summary>Shape and habits.</summary>
    public ModelConfig Config => Model.Config;

    /// <summary>Numbers of the model without adapters.</summary>
    public long Weights { get; private set; }

    /// <summary>Numbers of the model that are trained themselves; with adapters, copies of them.</summary>
    public long TrainedWeights { get; private set; }

    /// <summary>Numbers of the model that a reference does not share.</summary>
    public long UnsharedWeights { get; private set; }

    /// <summary>What is trained at a time: with LISA less than in the whole run.</summary>
    public IReadOnlyList<TrainedTensor> Active => _active;

    /// <summary>Numbers of the adapters, all trained.</summary>
    public long AdapterWeights { get; private set; }

    /// <summary>Numbers that adapters keep of their start.</summary>
    public long AdapterStart { get; private set; }

    /// <summary>The linear layers in the blocks.</summary>
    public IEnumerable<LinearModule> BlockLayers => Blocks.SelectMany(part => part.Block.modules().Distinct().OfType<LinearModule>());

    /// <summary>Numbers of the vocabulary projection, where it is not the token embedding.</summary>
    public long OwnHead => Model is CausalLanguageModel { Config.TieWordEmbeddings: false } causal ? Elements(causal.HeadWeight) : 0;

    /// <summary>Numbers of the token embedding, which also projects to the vocabulary where the two are tied.</summary>
    public long Embedding => Elements(Model.Body.TokenEmbedding);

    /// <summary>Whether the gradient of the vocabulary projection is made.</summary>
    public bool TrainsHead => Model is CausalLanguageModel causal && causal.HeadWeight.requires_grad;

    /// <summary>The blocks of all stacks, each with the number of its stack: 0 the decoder, 1 an encoder in front of it.</summary>
    public IEnumerable<(Block Block, int Stack)> Blocks =>
        Model.Body.Blocks.Select(block => (block, 0)).Concat((Model.Encoder?.Blocks ?? []).Select(block => (block, 1)));

    /// <summary>The shape of a causal language model that is only read.</summary>
    /// <param name="config">Of it.</param>
    public static ModelShape Frozen(ModelConfig config)
    {
        ModelShape shape = new(new CausalLanguageModel(config, new ShapedWeights()));
        shape.Weights = shape.Parameters().Sum(pair => Elements(pair.Value));
        return shape;
    }

    /// <summary>The shape of what a run trains.</summary>
    /// <param name="config">Of the model that training begins with.</param>
    /// <param name="options">Say which model a method makes of it, and what is trained.</param>
    /// <exception cref="ArgumentException">The options of the adapter mean no layer of the model.</exception>
    /// <exception cref="NotSupportedException">The method cannot train such a model.</exception>
    public static ModelShape Of(ModelConfig config, TrainingOptions options)
    {
        if (config.IsEncoderDecoder && Passes.IsPaddingFree(options) == true)
            throw CausalLanguageModel.NeedsPadding(config);
        var weights = new ShapedWeights();
        ModelShape shape = new(options switch
        {
            RewardOptions => new RewardModel(config, weights),
            PrmOptions => new SequenceClassifier(config with { Labels = PrmTrainer.Labels }, weights),
            TextClassificationOptions given =>
                new SequenceClassifier(given.Labels is null ? config : config with { Labels = given.Labels }, weights),
            _ => new CausalLanguageModel(config, weights),
        });
        shape.Weights = shape.Parameters().Sum(pair => Elements(pair.Value));
        if (options.Peft is { } peft)
            shape.Adapt(peft);
        else if (options is PpoOptions { NumSharedLayers: not null } ppo)
            ((CausalLanguageModel)shape.Model).FreezeFirst(ppo.NumSharedLayers);
        shape.UnsharedWeights = shape.Trained().Sum(Elements);
        if (options.Peft is null)
            MemorySaving.Freeze(shape.Model, options);
        shape.TrainedWeights = shape.Trained().Sum(Elements);
        if (options.LisaActivatedLayers is { } most) // those that are lowest keep most
            foreach (Block asleep in MemorySaving.TrainedBlocks(shape.Model, options).Skip(most))
                foreach (Tensor weight in asleep.OwnParameters())
                    weight.requires_grad = false;
        shape.FindActive();
        return shape;
    }

    /// <summary>Whether the backward pass goes through a block, so that it keeps something.</summary>
    public bool IsPassed(Block block) => _passed.Contains(block);

    /// <summary>Rank of the adapter beside a layer; 0 without one.</summary>
    public int RankOf(LinearModule layer) => _ranks.GetValueOrDefault(layer);

    /// <summary>Outputs and inputs of a layer.</summary>
    public static (long Outputs, long Inputs) SizeOf(LinearModule layer)
    {
        long[] shape = layer.Weight.shape;
        return layer.Layout == WeightLayout.InputsByOutputs ? (shape[1], shape[0]) : (shape[0], shape[1]);
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    private static long Elements(Tensor weight) => weight.shape.Aggregate(1L, (product, size) => checked(product * size));

    private IEnumerable<(string Name, Tensor Value)> Parameters() => Model.Everything().DistinctBy(pair => pair.Value.Handle);

    private IEnumerable<Tensor> Trained() => Parameters().Select(pair => pair.Value).Where(weight => weight.requires_grad);

    private void FindActive()
    {
        Dictionary<nint, Block> owners = [];
        Dictionary<LinearModule, Block> homes = [];
        foreach ((Block block, _) in Blocks)
        {
            foreach (Tensor own in block.OwnParameters())
                owners.TryAdd(own.Handle, block);
            foreach (LinearModule layer in block.modules().OfType<LinearModule>())
                homes.TryAdd(layer, block);
        }
        _active.AddRange(Trained().Select(weight => new TrainedTensor(weight.shape, owners.GetValueOrDefault(weight.Handle), false)));
        foreach ((LinearModule layer, int rank) in _ranks)
        {
            (long outputs, long inputs) = SizeOf(layer);
            Block? home = homes.GetValueOrDefault(layer);
            _active.AddRange([new([rank, inputs], home, true), new([outputs, rank], home, true)]);
        }
        HashSet<Block> trained = [.. _active.Select(tensor => tensor.Block).OfType<Block>()];
        foreach (Decoder stack in new[] { Model.Encoder, Model.Body }.OfType<Decoder>())
        {
            bool isPassed = stack.EmbeddingParameters().Any(weight => weight.requires_grad) || (stack == Model.Body && _passed.Count > 0);
            foreach (Block block in stack.Blocks)
                if (isPassed |= trained.Contains(block))
                    _passed.Add(block);
        }
    }

    private void Adapt(LoraOptions options)
    {
        (string Path, LinearModule Layer)[] layers = [.. LayerMatch.Layers(Model, options, isStrict: true)];
        foreach ((string path, LinearModule layer) in layers)
        {
            int rank = LayerMatch.Of(options.RankPattern, path, options.R);
            (long outputs, long inputs) = SizeOf(layer);
            _ranks[layer] = rank;
            AdapterWeights += (rank * (inputs + outputs)) + (options.UseDora ? outputs : 0);
            if (options.InitLoraWeights == LoraInitialization.Pissa)
                AdapterStart += rank * (inputs + outputs);
        }
        string[] names = [.. Parameters().Select(pair => pair.Name)];
        IEnumerable<string> modules = (options.ModulesToSave ?? []).Concat(Model is CausalLanguageModel ? [] : ClassifierHeads);
        HashSet<string> own = [.. modules.SelectMany(module => LayerMatch.Below(names, module))];
        if (options.Bias == LoraBias.All)
            own.UnionWith(names.Where(name => name.Contains("bias", StringComparison.Ordinal)));
        else if (options.Bias == LoraBias.LoraOnly)
            own.UnionWith(layers.Select(part => part.Path + ".bias"));
        foreach ((string name, Tensor weight) in Parameters())
            weight.requires_grad = own.Contains(name);
    }
}
